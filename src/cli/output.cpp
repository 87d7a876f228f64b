#include "cli/output.hpp"

#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

namespace cli {

namespace {

using base::Code;
using base::fail;

/// Characters that are seen: without colours, and several bytes of one character as one.
std::size_t width(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size());
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++count;
    }
  }
  return count;
}

}  // namespace

base::Result<OutputFormat> choose_format(const std::string& asked) {
  if (asked.empty()) return isatty(STDOUT_FILENO) != 0 ? OutputFormat::table : OutputFormat::jsonl;
  if (asked == "table") return OutputFormat::table;
  if (asked == "json") return OutputFormat::json;
  if (asked == "jsonl") return OutputFormat::jsonl;
  return fail(Code::invalid, "-o is one of table, json, jsonl");
}

bool colours() {
  const char* refused = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (refused == nullptr || *refused == '\0');
}

std::string painted(std::string_view text, bool good) {
  if (!colours()) return std::string(text);
  return (good ? "\x1b[32m" : "\x1b[31m") + std::string(text) + "\x1b[0m";
}

base::Result<std::string> read_since(const std::string& text, base::Time now) {
  if (const auto time = base::parse_rfc3339(text)) return base::to_rfc3339(*time);
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit(end, text.data() + text.size());
  const std::int64_t seconds = unit == "s"   ? 1
                               : unit == "m" ? 60
                               : unit == "h" ? 3600
                               : unit == "d" ? 86400
                                             : 0;
  if (error != std::errc{} || seconds == 0 || count < 0 || count > 1'000'000) {
    return fail(Code::invalid, "a time is like 30m, 2h, 7d or 2025-08-19T09:30:00Z");
  }
  return base::to_rfc3339(now - std::chrono::seconds{count * seconds});
}

int finish_output(int status) {
  errno = 0;
  std::cout.flush();
  const bool written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  if (written) return status;
  const std::string why = errno != 0 ? ": " + std::string(std::strerror(errno)) : "; its end is missing";
  std::fprintf(stderr, "error: cannot write the output%s\n", why.c_str());
  return status == 0 ? 1 : status;
}

void print_table(const std::vector<std::string>& names, const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths;
  for (const std::string& name : names) widths.push_back(width(name));
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  const auto print = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(widths[i] - width(row[i]) + 2, ' ');
    }
    std::puts(line.c_str());
  };
  print(names);
  for (const auto& row : rows) print(row);
}

}  // namespace cli
