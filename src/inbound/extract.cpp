#include "inbound/extract.hpp"

#include "crypto/encoding.hpp"
#include "format/json.hpp"
#include "format/utf8.hpp"
#include "inbound/message.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;
using base::Result;
using crypto::Location;

constexpr std::size_t kTextBytesMax = 255;
constexpr std::size_t kComparedMembersMax = 500;  // each is looked for among the others

/// A stored request, to look into. Owns what it refers to.
class Stored {
 public:
  explicit Stored(const ReceivedEvent& event) {
    request_.method = event.method;
    request_.set_target(event.target);
    request_.body = event.body;
    if (auto headers = format::parse_json(event.headers)) headers_.emplace(std::move(*headers));
    if (headers_) {
      for (const format::Value& header : headers_->root().elements()) {
        const auto pair = header.elements();
        if (pair.size() == 2) request_.headers.emplace_back(pair[0].text(), pair[1].text());
      }
    }
    message_.emplace(request_, std::string());
  }
  const Message& message() const { return *message_; }

 private:
  std::optional<format::Document> headers_;
  http::Request request_;
  std::optional<Message> message_;
};

Result<std::string> text_at(const std::optional<Location>& place, const Message& message, const char* what) {
  if (!place) return std::string();
  if (place->in == Location::In::constant) return place->name;
  auto found = message.find(*place);
  if (!found.empty()) {
    const std::string& text = found.front();
    const bool plain = text.size() <= kTextBytesMax && format::is_utf8(text) && !text.contains('\0');
    if (plain) return std::move(found.front());
    return fail(Code::invalid, std::string("paths.") + what + ": what stands at " + to_string(*place) +
                                   " is no text of at most 255 bytes");
  }
  const bool no_json = place->in == Location::In::json && message.json() == nullptr;
  return fail(Code::invalid,
              std::string("paths.") + what + ": " +
                  (no_json ? "the body is not JSON" : "there is nothing at " + to_string(*place)));
}

/// The body as JSON, whatever it is.
std::string body_json(const Message& message) {
  if (const format::Value* root = message.json()) return std::string(root->raw());
  const std::string_view body = message.body();
  std::string text;
  format::JsonWriter json(text);
  const auto type = message.find({Location::In::header, "content-type"});
  if (!type.empty() && type.front().starts_with("application/x-www-form-urlencoded")) {
    json.begin_object();
    std::set<std::string> written;
    for (const auto& [name, value] : message.form()) {
      if (format::is_utf8(name) && format::is_utf8(value) && written.insert(name).second) {
        json.key(name).value(value);
      }
    }
    json.end_object();
  } else if (format::is_utf8(body)) {
    json.begin_object().key("text").value(body).end_object();
  } else {
    json.begin_object().key("base64").value(crypto::to_base64(body)).end_object();
  }
  return text;
}

const format::Value* value_of(const std::optional<Location>& place, const Message& message) {
  const format::Value* root = place ? message.json() : nullptr;
  const format::Value* value = root == nullptr ? nullptr : value_at(*root, place->name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

/// Members that are not the same before and after, by their JSON text.
std::string changes_of(const format::Value& before, const format::Value& after) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  const auto write = [&](std::string_view key, const format::Value* old, const format::Value* fresh) {
    json.key(key).begin_object().key("old").raw(old == nullptr ? "null" : old->raw());
    json.key("new").raw(fresh == nullptr ? "null" : fresh->raw()).end_object();
  };
  for (const format::Member& member : after.members()) {
    const format::Value* old = before.find(member.key);
    if (old == nullptr || old->raw() != member.value.raw()) write(member.key, old, &member.value);
  }
  for (const format::Member& member : before.members()) {
    if (after.find(member.key) == nullptr) write(member.key, &member.value, nullptr);
  }
  json.end_object();
  return text;
}

/// A part of an event's type: lower case, and nothing but what a type is made of.
void append_part(std::string& type, std::string_view part) {
  std::string clean;
  for (char c : part) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '_' || c == '-';
    if (plain) {
      clean += c;
    } else if (!clean.empty() && clean.back() != '.') {
      clean += c == '.' || c == '/' || c == ':' ? '.' : '_';
    }
  }
  while (clean.ends_with('.')) clean.pop_back();
  if (clean.empty()) return;
  if (!type.empty()) type += '.';
  type += clean;
}

std::string default_type(const Extracted& extracted) {
  std::string type;
  append_part(type, extracted.source);
  append_part(type, extracted.table);
  append_part(type, extracted.event_type);
  if (extracted.table.empty() && extracted.event_type.empty()) append_part(type, "received");
  type.resize(std::min(type.size(), base::limits::kEventTypeBytesMax));
  while (type.ends_with('.')) type.pop_back();
  return type;
}

}  // namespace

std::string Extracted::subject() const {
  return table.empty() || record_id.empty() ? std::string() : table + "/" + record_id;
}

Result<Extracted> extract(const PreparedEndpoint& endpoint, const ReceivedEvent& event) {
  const Stored stored(event);
  const Message& message = stored.message();
  const PreparedRules& rules = *endpoint.rules;
  Extracted result{.source = rules.said.source};
  XD_TRY(result.event_type, text_at(rules.event_type, message, "event_type"));
  XD_TRY(result.table, text_at(rules.table, message, "table"));
  XD_TRY(result.record_id, text_at(rules.record_id, message, "record_id"));
  const format::Value* record = value_of(rules.record, message);
  const format::Value* before = value_of(rules.old_record, message);
  if (rules.record && record == nullptr && before == nullptr) {
    return fail(Code::invalid, "paths.record: there is nothing at " + to_string(*rules.record));
  }
  result.record = !rules.record       ? body_json(message)
                  : record == nullptr ? "null"
                                      : std::string(record->raw());
  if (before != nullptr) result.old_record = before->raw();
  const auto small = [](const format::Value* value) {
    return value != nullptr && value->is_object() && value->members().size() <= kComparedMembersMax;
  };
  if (small(record) && small(before)) {
    result.changes = changes_of(*before, *record);
  }
  return result;
}

bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return true;
  if (!pattern.ends_with('*')) return pattern == text;
  return text.starts_with(pattern.substr(0, pattern.size() - 1));
}

Decision decide(const Rules& rules, const Extracted& extracted) {
  const auto wanted = [&](const std::string& pattern) { return fits(pattern, extracted.event_type); };
  if (!rules.event_types.empty() && std::ranges::none_of(rules.event_types, wanted)) {
    return {.ignore = true};
  }
  for (const Route& route : rules.routes) {
    if (!fits(route.source, extracted.source) || !fits(route.table, extracted.table) ||
        !fits(route.event_type, extracted.event_type)) {
      continue;
    }
    return {.ignore = route.ignore,
            .type = route.publish.empty() ? default_type(extracted) : route.publish,
            .subscription = route.subscription};
  }
  return {.type = default_type(extracted)};
}

}  // namespace inbound
