#include "format/object_reader.hpp"

#include "format/utf8.hpp"

namespace format {

using base::Code;

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

ObjectReader::ObjectReader(const Value& object, std::string pointer)
    : object_(object), pointer_(std::move(pointer)) {
  if (!object_.is_object()) errors_.push_back({pointer_, "WRONG_TYPE", "this must be an object"});
}

const Value* ObjectReader::find(std::string_view name) {
  asked_.insert(name);
  if (!object_.is_object()) return nullptr;
  const Value* value = object_.find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool ObjectReader::has(std::string_view name) { return find(name) != nullptr; }

bool ObjectReader::is_null(std::string_view name) {
  asked_.insert(name);
  const Value* value = object_.is_object() ? object_.find(name) : nullptr;
  return value != nullptr && value->is_null();
}

const Value* ObjectReader::any(std::string_view name) { return find(name); }

std::optional<std::string> ObjectReader::text(std::string_view name, std::size_t characters_max) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    wrong_type(name, "a string");
    return std::nullopt;
  }
  if (count_characters(value->text()) > characters_max) {
    error(name, "TOO_LONG", "at most " + std::to_string(characters_max) + " characters");
    return std::nullopt;
  }
  if (!is_storable(value->text())) {
    error(name, "INVALID", "this may not have the character U+0000; leave it out");
    return std::nullopt;
  }
  return std::string(value->text());
}

std::optional<std::string> ObjectReader::required_text(std::string_view name, std::size_t characters_max) {
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

std::optional<std::int64_t> ObjectReader::integer(std::string_view name, std::int64_t min, std::int64_t max) {
  const Value* value = find(name);
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

std::optional<bool> ObjectReader::boolean(std::string_view name) {
  const Value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) {
    wrong_type(name, "true or false");
    return std::nullopt;
  }
  return value->boolean();
}

std::optional<base::Time> ObjectReader::time(std::string_view name) {
  const auto value = text(name, 64);
  if (!value) return std::nullopt;
  const auto moment = base::parse_rfc3339(*value);
  if (!moment) {
    error(name, "INVALID", moment.error().message);
    return std::nullopt;
  }
  return *moment;
}

void ObjectReader::wrong_type(std::string_view name, const char* wanted) {
  error(name, "WRONG_TYPE", std::string("this must be ") + wanted);
}

std::string ObjectReader::pointer_to(std::string_view name) const { return pointer_ + pointer_part(name); }

void ObjectReader::error(std::string_view name, std::string code, std::string detail) {
  errors_.push_back({pointer_to(name), std::move(code), std::move(detail)});
}

void ObjectReader::error_at(std::string_view path, std::string code, std::string detail) {
  errors_.push_back({pointer_ + "/" + std::string(path), std::move(code), std::move(detail)});
}

void ObjectReader::take_errors(base::Error inner) { errors_.append(std::move(inner.fields)); }

base::Result<void> ObjectReader::finish() {
  if (object_.is_object()) {
    for (const Member& member : object_.members()) {
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

}  // namespace format
