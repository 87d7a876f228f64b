#include "base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <atomic>
#include <cstdio>

#include "base/metrics.hpp"

namespace base {

namespace {

constexpr std::array<std::string_view, 4> kLevelNames = {"debug", "info", "warn", "error"};

Counter& uncaught_total() {
  static Counter& uncaught = metrics().counter("crossdock_uncaught_total", "Exceptions that reached an edge");
  return uncaught;
}

std::atomic<LogLevel> g_level = LogLevel::info;
std::atomic<LogFormat> g_format = LogFormat::json;

spdlog::logger& sink() {
  static const auto logger = [] {
    auto made =
        std::make_shared<spdlog::logger>("crossdock", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::trace);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *logger;
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        if (byte < 0x20 || byte == 0x7f) {
          std::array<char, 8> buffer;
          std::snprintf(buffer.data(), buffer.size(), "\\u%04x", byte);
          out += buffer.data();
        } else {
          out += c;
        }
    }
  }
}

void append_value(std::string& out, const LogField::Value& value, bool quoted) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*number);
  } else if (const auto* real = std::get_if<double>(&value)) {
    std::array<char, 32> buffer;
    std::snprintf(buffer.data(), buffer.size(), "%.6g", *real);
    out += buffer.data();
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    out += *flag ? "true" : "false";
  } else {
    if (quoted) out += '"';
    append_escaped(out, std::get<std::string>(value));
    if (quoted) out += '"';
  }
}

}  // namespace

void configure_log(LogLevel level, LogFormat format) {
  g_level = level;
  g_format = format;
  uncaught_total();  // there from the start, at 0
}

std::string format_log_line(LogFormat format, Time time, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields) {
  const std::string_view level_name = kLevelNames[static_cast<std::size_t>(level)];
  std::string line;
  line.reserve(160);
  if (format == LogFormat::text) {
    line.append(to_rfc3339(time)).append(" ").append(level_name).append(" ");
    append_escaped(line, message);
    for (const LogField& field : fields) {
      line.append("  ").append(field.key).append("=");
      append_value(line, field.value, /*quoted=*/false);
    }
    return line;
  }
  line.append(R"({"ts":")")
      .append(to_rfc3339(time))
      .append(R"(","level":")")
      .append(level_name)
      .append(R"(","msg":")");
  append_escaped(line, message);
  line += '"';
  for (const LogField& field : fields) {
    line.append(",\"").append(field.key).append("\":");
    append_value(line, field.value, /*quoted=*/true);
  }
  line += '}';
  return line;
}

void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (level < g_level.load(std::memory_order_relaxed)) return;
  const std::string line =
      format_log_line(g_format.load(std::memory_order_relaxed), SystemClock{}.now(), level, message, fields);
  sink().log(spdlog::level::info, spdlog::string_view_t(line.data(), line.size()));
}

void report_uncaught(const char* where, std::exception_ptr exception) {
  uncaught_total().add();
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    log(LogLevel::error, "uncaught exception", {{"where", where}, {"what", e.what()}});
  } catch (...) {  // edge: it was caught at one already, this only names it
    log(LogLevel::error, "uncaught exception", {{"where", where}, {"what", "not a std::exception"}});
  }
}

}  // namespace base
