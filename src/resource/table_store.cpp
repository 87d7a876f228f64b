#include "resource/table.hpp"

namespace resource {

namespace {

void append_with(std::string& list, std::string_view between, std::string_view part) {
  if (!list.empty()) list += between;
  list += part;
}

std::string names_of(std::span<const Column> columns) {
  std::string names;
  for (const Column& column : columns) append_with(names, ", ", column.name);
  return names;
}

std::string equals(std::string_view column, std::size_t parameter) {
  return std::string(column) + " = $" + std::to_string(parameter);
}

}  // namespace

std::string select_statement(std::string_view table, std::span<const Column> columns) {
  return "SELECT " + names_of(columns) + " FROM " + std::string(table);
}

std::string insert_statement(std::string_view table, std::span<const Column> columns) {
  std::string values;
  for (std::size_t i = 1; i <= columns.size(); ++i) append_with(values, ", ", "$" + std::to_string(i));
  return "INSERT INTO " + std::string(table) + " (" + names_of(columns) + ") VALUES (" + values + ")";
}

std::string update_statement(std::string_view table, std::span<const Column> columns) {
  std::string changes;
  std::string conditions;
  std::size_t parameter = 0;
  for (const Column& column : columns) {
    if (column.role == Role::fixed) continue;
    ++parameter;
    if (column.role == Role::key) {
      append_with(conditions, " AND ", equals(column.name, parameter));
      continue;
    }
    append_with(changes, ", ", equals(column.name, parameter));
    if (column.role == Role::version)
      append_with(conditions, " AND ", equals(column.name, parameter) + " - 1");
  }
  return "UPDATE " + std::string(table) + " SET " + changes + " WHERE " + conditions;
}

}  // namespace resource
