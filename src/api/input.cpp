#include "api/input.hpp"

#include "format/utf8.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;

bool is_json(std::string_view content_type) {
  const std::string_view type = content_type.substr(0, content_type.find(';'));
  std::string_view trimmed = type.substr(0, type.find_last_not_of(' ') + 1);
  return http::equals_ignoring_case(trimmed, "application/json");
}

/// So much is parsed in a millisecond or so.
constexpr std::size_t kParsedHereMax = 32 << 10;

Result<void> check_media_type(const Call& call) {
  if (!is_json(call.request.header("content-type"))) {
    return fail(Code::invalid, "send the body as Content-Type: application/json", "UNSUPPORTED_MEDIA_TYPE");
  }
  if (!call.request.header("content-encoding").empty()) {
    return fail(Code::invalid, "send the body without Content-Encoding", "UNSUPPORTED_MEDIA_TYPE");
  }
  return {};
}

}  // namespace

Result<format::Document> read_json(Call& call) {
  XD_DO(check_media_type(call));
  return format::parse_json(std::move(call.request.body));
}

base::Task<format::Document> read_large_json(Call& call) {
  if (call.request.body.size() <= kParsedHereMax) co_return read_json(call);
  XD_CO_DO(check_media_type(call));
  co_return co_await call.services.offload.run(
      call.tenant_id().uuid, [&call] { return format::parse_json(std::move(call.request.body)); });
}

std::string pointer_part(std::string_view name) {
  std::string part = "/";
  for (const char c : name) {
    if (c == '~') {
      part += "~0";
    } else if (c == '/') {
      part += "~1";
    } else {
      part += c;
    }
  }
  return part;
}

Input::Input(const format::Value& object, std::string pointer)
    : object_(object), pointer_(std::move(pointer)) {
  if (!object_.is_object()) errors_.push_back({pointer_, "WRONG_TYPE", "this must be an object"});
}

const format::Value* Input::find(std::string_view name) {
  asked_.insert(name);
  if (!object_.is_object()) return nullptr;
  const format::Value* value = object_.find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool Input::has(std::string_view name) { return find(name) != nullptr; }

bool Input::is_null(std::string_view name) {
  asked_.insert(name);
  const format::Value* value = object_.is_object() ? object_.find(name) : nullptr;
  return value != nullptr && value->is_null();
}

const format::Value* Input::any(std::string_view name) { return find(name); }

std::optional<std::string> Input::text(std::string_view name, std::size_t characters_max) {
  const format::Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    wrong_type(name, "a string");
    return std::nullopt;
  }
  if (format::count_characters(value->text()) > characters_max) {
    error(name, "TOO_LONG", "at most " + std::to_string(characters_max) + " characters");
    return std::nullopt;
  }
  if (!format::is_storable(value->text())) {
    error(name, "INVALID", "this may not have the character U+0000; leave it out");
    return std::nullopt;
  }
  return std::string(value->text());
}

std::optional<std::string> Input::required_text(std::string_view name, std::size_t characters_max) {
  if (find(name) == nullptr) {
    error(name, "REQUIRED", "this member is needed");
    return std::nullopt;
  }
  auto value = text(name, characters_max);
  if (value && value->empty()) {
    error(name, "REQUIRED", "this member may not be empty");
    return std::nullopt;
  }
  return value;
}

std::optional<std::int64_t> Input::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const format::Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto number = value->is_number() ? value->integer() : std::nullopt;
  if (!number) {
    wrong_type(name, "an integer");
    return std::nullopt;
  }
  if (*number < min || *number > max) {
    error(name, "OUT_OF_RANGE", "from " + std::to_string(min) + " to " + std::to_string(max));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> Input::boolean(std::string_view name) {
  const format::Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    wrong_type(name, "true or false");
    return std::nullopt;
  }
  return value->boolean();
}

std::optional<base::Time> Input::time(std::string_view name) {
  const auto value = text(name, 64);
  if (!value) return std::nullopt;
  const auto moment = base::parse_rfc3339(*value);
  if (!moment) {
    error(name, "INVALID", moment.error().message);
    return std::nullopt;
  }
  return *moment;
}

void Input::wrong_type(std::string_view name, const char* wanted) {
  error(name, "WRONG_TYPE", std::string("this must be ") + wanted);
}

void Input::error(std::string_view name, std::string code, std::string detail) {
  errors_.push_back({pointer_ + pointer_part(name), std::move(code), std::move(detail)});
}

void Input::error_at(std::string_view path, std::string code, std::string detail) {
  errors_.push_back({pointer_ + "/" + std::string(path), std::move(code), std::move(detail)});
}

void Input::take_errors(base::Error& inner) { errors_.append(std::move(inner.fields)); }

Result<void> Input::finish() {
  if (object_.is_object()) {
    for (const format::Member& member : object_.members()) {
      if (asked_.contains(member.key)) continue;
      errors_.push_back({pointer_ + pointer_part(member.key.substr(0, 100)), "UNKNOWN_MEMBER",
                         "there is no such member; remove it or correct its name"});
    }
  }
  if (errors_.empty()) return {};
  const std::size_t count = errors_.size() + errors_.more();
  base::Error failed{Code::invalid, "the request has " + std::to_string(count) +
                                        (count == 1 ? " member" : " members") +
                                        " that cannot be used; errors[] says which and why"};
  failed.fields = std::move(errors_);
  return std::unexpected(std::move(failed));
}

bool is_header_name(std::string_view name) { return name.size() <= 100 && http::is_token(name); }

bool is_header_value(std::string_view value) {
  return value.size() <= base::limits::kCustomHeaderBytesMax &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c < 127; });
}

}  // namespace api
