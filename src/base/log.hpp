// The program's log: one JSON object per line on standard error, or text for humans.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/id.hpp"

namespace base {

enum class LogLevel : std::uint8_t { debug, info, warn, error };
enum class LogFormat : std::uint8_t { json, text };

/// A named value of a log line. Never a secret, never a body.
struct LogField {
  using Value = std::variant<std::int64_t, double, bool, std::string>;

  LogField(std::string_view field_key, std::integral auto field_value) : key(field_key) {
    if constexpr (std::same_as<decltype(field_value), bool>) {
      value = field_value;
    } else {
      value = static_cast<std::int64_t>(field_value);
    }
  }
  LogField(std::string_view field_key, double field_value) : key(field_key), value(field_value) {}
  LogField(std::string_view field_key, std::string_view text) : key(field_key), value(std::string(text)) {}
  LogField(std::string_view field_key, const std::string& text) : key(field_key), value(text) {}
  LogField(std::string_view field_key, const char* text) : key(field_key), value(std::string(text)) {}
  LogField(std::string_view field_key, const Uuid& uuid) : key(field_key), value(uuid.str()) {}
  template <class Tag>
  LogField(std::string_view field_key, const Id<Tag>& id) : key(field_key), value(id.str()) {}

  std::string_view key;
  Value value;
};

/// Starts logging. Before this, lines of level info and above go out as JSON.
void configure_log(LogLevel level, LogFormat format);

/// Writes one line with ts, level, msg and the fields. Thread-safe. Control characters in values are escaped.
void log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

/// The line that log() writes, without its end: for tests, and for the sink.
std::string format_log_line(LogFormat format, Time time, LogLevel level, std::string_view message,
                            std::initializer_list<LogField> fields);

/// Logs an exception that nobody handled and counts it in crossdock_uncaught_total. where is a literal.
void report_uncaught(const char* where, std::exception_ptr exception);

}  // namespace base
