#include <cstdio>

#include "cli/remote_commands.hpp"

namespace cli {

namespace {

using base::Result;

constexpr std::size_t kPageMax = 250;

/// Numbers and texts as they are; "-" for null and what is absent.
std::string shown(const format::Value& object, std::string_view key) {
  const format::Value* value = object.find(key);
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_boolean()) return value->boolean() ? "true" : "false";
  return value->is_string() || value->is_number() ? std::string(value->text()) : std::string(value->raw());
}

/// Why it is where it is: what hides it, how the last attempt failed, and what holds it.
std::string why(const format::Value& delivery) {
  const format::Value* circuit = delivery.find("circuit");
  const bool open = circuit != nullptr && circuit->is_object() && text_of(*circuit, "state") != "CLOSED";
  std::string text;
  for (const std::string& part : {text_of(delivery, "reason"), text_of(delivery, "error_class"),
                                  std::string(open ? "circuit open" : "")}) {
    if (!part.empty()) text.append(text.empty() ? "" : ", ").append(part);
  }
  return text.empty() ? "-" : text;
}

std::vector<std::string> row_of(const format::Value& delivery) {
  const std::string status = shown(delivery, "status");
  const bool good = status != "FAILED" && status != "RETRYING";
  return {shown(delivery, "id"),
          shown(delivery, "created_at"),
          shown(delivery, "event_type"),
          shown(delivery, "subscription_id"),
          painted(status, good),
          shown(delivery, "attempt_number"),
          shown(delivery, "response_status"),
          shown(delivery, "response_time_ms"),
          why(delivery)};
}

const std::vector<std::string> kNames = {"ID",       "CREATED", "TYPE", "SUBSCRIPTION", "STATUS",
                                         "ATTEMPTS", "CODE",    "MS",   "WHY"};

Result<std::string> query_of(const DeliveriesOptions& options) {
  std::string query = "?limit=" + std::to_string(std::min(options.limit, kPageMax));
  for (const auto& [name, value] : options.filters) {
    if (!value.empty())
      query.append("&").append(percent_encode(name)).append("=").append(percent_encode(value));
  }
  const base::Time now = base::SystemClock{}.now();
  for (const auto& [name, text] :
       {std::pair("created_at[gte]", &options.since), {"created_at[lt]", &options.until}}) {
    if (text->empty()) continue;
    XD_TRY(const std::string moment, read_since(*text, now));
    query.append("&").append(percent_encode(name)).append("=").append(percent_encode(moment));
  }
  return query;
}

/// Pages until there are enough, or no more; each document owns its rows.
Result<std::vector<format::Document>> read_pages(Remote& remote, const DeliveriesOptions& options) {
  XD_TRY(const std::string query, query_of(options));
  std::vector<format::Document> pages;
  std::string cursor;
  for (std::size_t count = 0; count < options.limit;) {
    const std::string place = cursor.empty() ? "" : "&cursor=" + percent_encode(cursor);
    XD_TRY(auto page, remote.call("GET", "/api/v1/webhooks/deliveries" + query + place));
    const format::Value* rows = page.root().find("data");
    const format::Value* about = page.root().find("page");
    if (rows == nullptr || about == nullptr) break;
    count += rows->elements().size();
    cursor = text_of(*about, "next");
    pages.push_back(std::move(page));
    if (cursor.empty()) break;
  }
  return pages;
}

void print_lines(const format::Value& object, const std::string& prefix = "") {
  for (const format::Member& member : object.members()) {
    if (member.value.is_object() && member.key.ends_with("headers")) {
      std::printf("%s%s:\n", prefix.c_str(), std::string(member.key).c_str());
      print_lines(member.value, prefix + "  ");
      continue;
    }
    std::printf("%s%-18s %s\n", prefix.c_str(), std::string(member.key).c_str(),
                shown(object, member.key).c_str());
  }
}

/// The options that all three read; an exit status where one of them cannot be used.
struct Prepared {
  OutputFormat format = OutputFormat::table;
  std::optional<Remote> remote{};
  int refused = 0;
};
Prepared prepare(const DeliveriesOptions& options) {
  Prepared prepared;
  const auto format = choose_format(options.format);
  auto remote = Remote::make(options.remote);
  if (!format || !remote) {
    prepared.refused = report_usage(format ? remote.error() : format.error());
    return prepared;
  }
  prepared.format = *format;
  prepared.remote.emplace(std::move(*remote));
  return prepared;
}

int print_one(const Result<format::Document>& document, OutputFormat format) {
  if (!document) return report_remote(document.error());
  if (format == OutputFormat::table) {
    print_lines(document->root());
  } else {
    std::printf("%s\n", std::string(document->root().raw()).c_str());
  }
  return 0;
}

}  // namespace

int deliveries_list(const DeliveriesOptions& options) {
  Prepared prepared = prepare(options);
  if (!prepared.remote) return prepared.refused;
  const auto pages = read_pages(*prepared.remote, options);
  if (!pages) return report_remote(pages.error());
  std::vector<const format::Value*> rows;
  for (const format::Document& page : *pages) {
    for (const format::Value& row : page.root().find("data")->elements()) {
      if (rows.size() < options.limit) rows.push_back(&row);
    }
  }
  if (prepared.format == OutputFormat::table) {
    std::vector<std::vector<std::string>> cells;
    for (const format::Value* row : rows) cells.push_back(row_of(*row));
    print_table(kNames, cells);
    return 0;
  }
  const bool lines = prepared.format == OutputFormat::jsonl;
  if (!lines) std::printf("[");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::printf("%s%s", std::string(rows[i]->raw()).c_str(), lines ? "\n" : i + 1 < rows.size() ? ",\n" : "");
  }
  if (!lines) std::printf("]\n");
  return 0;
}

int deliveries_get(const DeliveriesOptions& options) {
  Prepared prepared = prepare(options);
  if (!prepared.remote) return prepared.refused;
  return print_one(prepared.remote->call("GET", "/api/v1/webhooks/deliveries/" + percent_encode(options.id)),
                   prepared.format);
}

int deliveries_replay(const DeliveriesOptions& options) {
  Prepared prepared = prepare(options);
  if (!prepared.remote) return prepared.refused;
  const std::string body = options.url.empty() ? "" : R"({"url":)" + format::json_string(options.url) + "}";
  return print_one(prepared.remote->call(
                       "POST", "/api/v1/webhooks/deliveries/" + percent_encode(options.id) + "/replay", body),
                   prepared.format);
}

}  // namespace cli
