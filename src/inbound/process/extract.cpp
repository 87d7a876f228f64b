#include "inbound/process/extract.hpp"

#include "base/text.hpp"
#include "crypto/encoding.hpp"
#include "format/form.hpp"
#include "format/json.hpp"
#include "format/utf8.hpp"
#include "inbound/receive/message.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;
using base::Result;
using crypto::Location;

constexpr std::size_t kTextBytesMax = 255;
constexpr std::size_t kFileBytesMax = 256 << 10;  // of a file that is part of an event
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

std::size_t depth_of(const format::Value& value) {
  std::size_t inner = 0;
  for (const format::Value& element : value.elements()) inner = std::max(inner, depth_of(element));
  for (const format::Member& member : value.members()) inner = std::max(inner, depth_of(member.value));
  return value.is_object() || value.is_array() ? inner + 1 : 0;
}

std::string names_of(std::span<const Location> places) {
  std::string names;
  for (const Location& place : places) names.append(names.empty() ? "" : ", ").append(to_string(place));
  return names;
}

std::unexpected<base::Error> nothing_at(std::span<const Location> places, const Message& message,
                                        const char* what) {
  const bool no_json = message.json() == nullptr &&
                       std::ranges::all_of(places, [](auto& at) { return at.in == Location::In::json; });
  return fail(Code::invalid, std::string("paths.") + what + ": " +
                                 (no_json ? "the body is not JSON: " + message.json_error().message
                                          : "there is nothing at " + names_of(places)));
}

/// What stands at the first of the places that is there.
Result<std::string> text_at(std::span<const Location> places, const Message& message, const char* what) {
  if (places.empty()) return std::string();
  for (const Location& place : places) {
    if (place.in == Location::In::constant) return place.name;
    auto found = message.find(place);
    if (found.empty()) continue;
    const std::string& text = found.front();
    const bool plain = text.size() <= kTextBytesMax && format::is_utf8(text) && !text.contains('\0');
    if (plain) return std::move(found.front());
    return fail(Code::invalid, std::string("paths.") + what + ": what stands at " + to_string(place) +
                                   " is no text of at most 255 bytes");
  }
  if (message.work().has_problem()) return fail(Code::too_large, message.work().problem());
  return nothing_at(places, message, what);
}

/// A file, or a field that is no text.
std::string file_json(const format::Part& part) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("filename");
  part.file_name ? json.value(*part.file_name) : json.null();
  json.key("content_type");
  part.type.empty() ? json.null() : json.value(part.type);
  json.key("size").value(part.content.size()).key("content");
  part.content.size() <= kFileBytesMax ? json.value(crypto::to_base64(part.content)) : json.null();
  json.end_object();
  return text;
}

Result<std::string> parts_json(const Message& message) {
  if (!message.parts()) return std::unexpected(message.parts().error());
  format::NamedJson members;
  for (const format::Part& part : *message.parts()) {
    const bool text = !part.file_name && format::is_utf8(part.content);
    members.emplace_back(part.name, text ? format::json_string(part.content) : file_json(part));
  }
  return format::object_json(members);
}

Result<std::string> form_json(std::string_view body) {
  XD_TRY(const auto fields, format::parse_form(body));
  const auto text_of = [](const std::string& decoded, std::string_view raw) {
    return format::is_utf8(decoded) ? decoded : std::string(raw);
  };
  format::NamedJson members;
  for (const format::FormField& field : fields) {
    members.emplace_back(text_of(field.name, field.raw_name),
                         format::json_string(text_of(field.value, field.raw_value)));
  }
  return format::object_json(members);
}

/// Whether a body that cannot be read as JSON was meant to be: it begins like an object or array, and no type
/// says that it is something else; or it is JSON, but over a limit.
bool is_meant_as_json(const Message& message, const format::MediaType& type) {
  const std::string& reason = message.json_error().reason;
  if (reason == "TOO_DEEP" || reason == "TOO_MANY_MEMBERS") return true;
  std::string_view body = message.body();
  if (constexpr std::string_view kMark = "\xEF\xBB\xBF"; body.starts_with(kMark))
    body.remove_prefix(kMark.size());
  body = base::trimmed(body);
  return (type.is_json() || type.type.empty()) && (body.starts_with('{') || body.starts_with('['));
}

/// The text of a value that is to be an event's data. Error: invalid, where it is deeper than those may be.
Result<std::string> data_of(const format::Value& value) {
  if (depth_of(value) <= base::limits::kJsonDepthMax) return std::string(value.raw());
  const auto strict = format::parse_json(std::string(value.raw()));
  return fail(Code::invalid, "the record cannot be an event's data: " +
                                 (strict ? std::string("it is too deep") : strict.error().message) +
                                 ", or let paths.record say which part of it counts");
}

/// The body as JSON, whatever it is. Error: invalid, for one that is not what it says.
Result<std::string> body_json(const Message& message) {
  if (const format::Value* root = message.json()) return data_of(*root);
  const format::MediaType type = message.type();
  if (type.type == "multipart/form-data") return parts_json(message);
  const std::string_view body = message.body();
  if (type.type == "application/x-www-form-urlencoded") return form_json(body);
  if (is_meant_as_json(message, type))
    return fail(Code::invalid, "the body is not JSON: " + message.json_error().message);
  const bool text = format::is_utf8(body);
  const std::string value = text ? std::string(body) : crypto::to_base64(body);
  return format::object_json({{text ? "text" : "base64", format::json_string(value)}});
}

const format::Value* value_of(std::span<const Location> places, const Message& message) {
  const format::Value* root = places.empty() ? nullptr : message.json();
  if (root == nullptr) return nullptr;
  for (const Location& place : places) {
    const format::Value* value = value_at(*root, place.name);
    if (value != nullptr && !value->is_null()) return value;
  }
  return nullptr;
}

/// Error: invalid, where the body is still in its content coding.
Result<void> check_decoded(const ReceivedEvent& event) {
  if (!event.verification.contains(kUndecoded)) return {};
  XD_TRY(const auto verification, format::parse_json(event.verification));
  const format::Value* problem = verification.root().find(kUndecoded);
  if (problem == nullptr) return {};
  return fail(Code::invalid, std::string(problem->text()));
}

/// Members whose values are not the same before and after. Where there was none, or is none any more, there
/// is no "old" or no "new": null is a value.
std::string changes_of(const format::Value& before, const format::Value& after) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object();
  const auto write = [&](std::string_view key, const format::Value* old, const format::Value* fresh) {
    json.key(key).begin_object();
    if (old != nullptr) json.key("old").raw(old->raw());
    if (fresh != nullptr) json.key("new").raw(fresh->raw());
    json.end_object();
  };
  for (const format::Member& member : after.members()) {
    const format::Value* old = before.find(member.key);
    if (old == nullptr || !same_value(*old, member.value)) write(member.key, old, &member.value);
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
    c = base::lower_ascii(c);
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
  XD_DO(check_decoded(event));
  const bool may_lack = rules.said.of_scheme;  // not every event of a sender has all that its scheme knows
  const auto text = [&](std::span<const Location> places, const char* what) -> Result<std::string> {
    auto found = text_at(places, message, what);
    if (!found && may_lack && !message.work().has_problem()) return std::string();
    return found;
  };
  XD_TRY(result.event_type, text(rules.event_type, "event_type"));
  XD_TRY(result.table, text(rules.table, "table"));
  XD_TRY(result.record_id, text(rules.record_id, "record_id"));
  const format::Value* record = value_of(rules.record, message);
  const format::Value* before = value_of(rules.old_record, message);
  const bool nowhere = record == nullptr && before == nullptr;
  if (!rules.record.empty() && nowhere && !may_lack) return nothing_at(rules.record, message, "record");
  XD_TRY(result.record, rules.record.empty() || nowhere ? body_json(message)
                                                        : data_of(record != nullptr ? *record : *before));
  if (before != nullptr) result.old_record = before->raw();
  const auto small = [](const format::Value* value) {
    return value != nullptr && value->is_object() && value->members().size() <= kComparedMembersMax &&
           depth_of(*value) < base::limits::kJsonDepthMax;  // changes are one deeper
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
