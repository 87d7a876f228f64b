// What commands print: tables for people, JSON for programs.
#pragma once

#include <string>
#include <vector>

#include "format/json.hpp"

namespace cli {

enum class OutputFormat : std::uint8_t { table, json, jsonl };

/// The one that is asked for; without that a table on a terminal and lines of JSON elsewhere. Error: invalid.
base::Result<OutputFormat> choose_format(const std::string& asked);

/// Whether standard output is a terminal that wants colours (NO_COLOR is not set).
bool colours();

/// The text in a colour that says how it went: an HTTP status or a status of a delivery; as it is without
/// colours.
std::string painted(std::string_view text, bool good);

/// "2h", "30m", "45s", "7d" before now, or a time of RFC 3339, as RFC 3339. Error: invalid.
base::Result<std::string> read_since(const std::string& text, base::Time now);

/// The last thing a command does. What it printed and could not be written (the reader is gone, the disk is
/// full) is told on standard error and makes a failure of a success; returns the exit status.
int finish_output(int status);

/// Rows under a line of names, columns as wide as their widest cell; a cell may be painted.
void print_table(const std::vector<std::string>& names, const std::vector<std::vector<std::string>>& rows);

}  // namespace cli
