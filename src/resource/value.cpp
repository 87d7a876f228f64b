#include "resource/value.hpp"

#include "format/utf8.hpp"

namespace resource {

namespace {

constexpr std::size_t kElementCharactersMax = 100;
constexpr auto kUnbounded = std::numeric_limits<std::int64_t>::max();
constexpr auto kBottomless = std::numeric_limits<std::int64_t>::min();

struct Bounds {
  std::int64_t min;
  std::int64_t max;
};

void write_bounds(format::JsonWriter& json, Bounds bounds, const char* least, const char* most) {
  if (bounds.min != kBottomless) json.key(least).value(bounds.min);
  if (bounds.max != kUnbounded) json.key(most).value(bounds.max);
}

/// "this must be an array of 1 to 20 strings".
std::string array_of(const Said& said, const char* what) {
  return "this must be an array of " + std::to_string(std::max<std::int64_t>(said.min, 0)) + " to " +
         std::to_string(said.max) + " " + what;
}

void end_schema(format::JsonWriter& json, const Said& said) {
  if (!said.sentence.empty()) json.key("description").value(said.sentence);
  json.end_object();
}

}  // namespace

base::Error damaged(const Stored& stored, std::string_view why) {
  return {base::Code::corrupt, "the column " + std::string(stored.name) + " of " + stored.row.uuid(0).str() +
                                   " cannot be read: " + std::string(why)};
}

base::Result<base::Secret> stored_secret(const Stored& stored, std::string_view place) {
  if (stored.is_null()) return base::Secret();
  return stored.ring->open(stored.row.text(stored.column), place);
}

base::Result<format::Document> stored_json(const Stored& stored) {
  auto document = format::parse_json(stored.row.string(stored.column));
  if (document) return document;
  return std::unexpected(damaged(stored, "it is damaged; restore a backup"));
}

void begin_schema(format::JsonWriter& json, std::string_view type, bool nullable, const Said& said) {
  json.begin_object().key("type");
  if (nullable) {
    json.begin_array().value(type).value("null").end_array();
  } else {
    json.value(type);
  }
  if (!said.format.empty()) json.key("format").value(said.format);
}

void write_reference(format::JsonWriter& json, std::string_view schema, bool nullable, const Said& said) {
  const std::string reference = "#/components/schemas/" + std::string(schema);
  json.begin_object();
  if (nullable) {
    json.key("oneOf").begin_array().begin_object().key("$ref").value(reference).end_object();
    json.begin_object().key("type").value("null").end_object().end_array();
  } else {
    json.key("$ref").value(reference);
  }
  end_schema(json, said);
}

bool Value<std::string>::read(format::ObjectReader& from, std::string_view name, const Said& said,
                              std::string& to) {
  const auto most = static_cast<std::size_t>(said.max);
  auto text = said.required ? from.required_text(name, most) : from.text(name, most);
  if (text) to = std::move(*text);
  return text.has_value();
}

void Value<std::string>::schema(format::JsonWriter& json, const Said& said, bool nullable) {
  if (!said.schema.empty()) return write_reference(json, said.schema, nullable, said);
  begin_schema(json, "string", nullable, said);
  if (said.required && said.max != kUnbounded) json.key("minLength").value(1);
  if (said.max != kUnbounded) json.key("maxLength").value(said.max);
  if (!said.pattern.empty()) json.key("pattern").value(said.pattern);
  end_schema(json, said);
}

bool Value<bool>::read(format::ObjectReader& from, std::string_view name, const Said&, bool& to) {
  const auto flag = from.boolean(name);
  if (flag) to = *flag;
  return flag.has_value();
}

void Value<bool>::schema(format::JsonWriter& json, const Said& said, bool nullable) {
  begin_schema(json, "boolean", nullable, said);
  end_schema(json, said);
}

void write_integer_schema(format::JsonWriter& json, const Said& said, bool nullable) {
  begin_schema(json, "integer", nullable, said);
  write_bounds(json, {said.min, said.max}, "minimum", "maximum");
  end_schema(json, said);
}

bool Value<base::Time>::read(format::ObjectReader& from, std::string_view name, const Said&, base::Time& to) {
  const auto time = from.time(name);
  if (time) to = *time;
  return time.has_value();
}

void Value<base::Time>::schema(format::JsonWriter& json, const Said& said, bool nullable) {
  begin_schema(json, "string", nullable, {.format = "date-time"});
  end_schema(json, said);
}

bool Value<base::Uuid>::read(format::ObjectReader& from, std::string_view name, const Said&, base::Uuid& to) {
  const auto text = from.text(name, 36);
  if (!text) return false;
  const auto id = base::Uuid::parse(*text);
  if (id) to = *id;
  if (!id) from.error(name, "INVALID", "this is not a UUID");
  return id.has_value();
}

void Value<base::Uuid>::schema(format::JsonWriter& json, const Said& said, bool nullable) {
  begin_schema(json, "string", nullable, {.format = "uuid"});
  end_schema(json, said);
}

void write_words_schema(format::JsonWriter& json, const Said& said, bool nullable,
                        const std::vector<std::string_view>& words) {
  if (!said.schema.empty()) return write_reference(json, said.schema, nullable, said);
  begin_schema(json, "string", nullable, said);
  json.key("enum").begin_array();
  for (const std::string_view word : words) json.value(word);
  if (nullable) json.null();
  json.end_array();
  end_schema(json, said);
}

bool Value<std::vector<std::string>>::read(format::ObjectReader& from, std::string_view name,
                                           const Said& said, List& to) {
  const format::Value* list = from.any(name);
  if (list == nullptr) return false;
  const auto size = list->is_array() ? static_cast<std::int64_t>(list->elements().size()) : -1;
  if (size < std::max<std::int64_t>(said.min, 0) || size > said.max) {
    from.error(name, "INVALID", array_of(said, "strings"));
    return false;
  }
  bool fits = true;
  List read;
  for (std::size_t i = 0; i < list->elements().size(); ++i) {
    const format::Value& one = list->elements()[i];
    const bool shaped = one.is_string() && !one.text().empty() && format::is_storable(one.text()) &&
                        format::count_characters(one.text()) <= kElementCharactersMax;
    if (!shaped) {
      fits = false;
      from.error_at(std::string(name) + "/" + std::to_string(i), "INVALID",
                    "a string of 1 to 100 characters");
      continue;
    }
    read.emplace_back(one.text());
  }
  if (fits) to = std::move(read);
  return fits;
}

void Value<std::vector<std::string>>::write(format::JsonWriter& json, const List& value) {
  json.begin_array();
  for (const std::string& one : value) json.value(one);
  json.end_array();
}

void Value<std::vector<std::string>>::schema(format::JsonWriter& json, const Said& said, bool nullable) {
  begin_schema(json, "array", nullable, said);
  json.key("items");
  if (said.schema.empty()) {
    json.begin_object().key("type").value("string");
    if (said.max != kUnbounded) {
      json.key("minLength").value(1).key("maxLength").value(kElementCharactersMax);
    }
    json.end_object();
  } else {
    write_reference(json, said.schema, false, {});
  }
  write_bounds(json, {said.min, said.max}, "minItems", "maxItems");
  end_schema(json, said);
}

void Value<std::vector<std::string>>::bind(Values& to, const List& value) {
  std::string text;
  format::JsonWriter json(text);
  write(json, value);
  to.add_text(std::move(text));
}

base::Result<void> Value<std::vector<std::string>>::load(const Stored& from, List& to) {
  XD_TRY(const auto document, stored_json(from));
  to.clear();
  for (const format::Value& one : document.root().elements()) to.emplace_back(one.text());
  return {};
}

bool Value<std::vector<std::chrono::seconds>>::read(format::ObjectReader& from, std::string_view name,
                                                    const Said& said, List& to) {
  const format::Value* list = from.any(name);
  const auto size = list->is_array() ? static_cast<std::int64_t>(list->elements().size()) : -1;
  if (size < std::max<std::int64_t>(said.min, 0) || size > said.max) {
    from.error(name, "INVALID", array_of(said, "numbers of seconds"));
    return false;
  }
  List read;
  for (std::size_t i = 0; i < list->elements().size(); ++i) {
    const format::Value& one = list->elements()[i];
    const auto number = one.is_number() ? one.integer() : std::nullopt;
    if (!number || *number < said.each_min || *number > said.each_max) {
      from.error_at(
          std::string(name) + "/" + std::to_string(i), "OUT_OF_RANGE",
          "from " + std::to_string(said.each_min) + " to " + std::to_string(said.each_max) + " seconds");
      continue;
    }
    read.emplace_back(*number);
  }
  to = std::move(read);
  return true;
}

void Value<std::vector<std::chrono::seconds>>::write(format::JsonWriter& json, const List& value) {
  json.begin_array();
  for (const std::chrono::seconds one : value) json.value(one.count());
  json.end_array();
}

void Value<std::vector<std::chrono::seconds>>::schema(format::JsonWriter& json, const Said& said,
                                                      bool nullable) {
  begin_schema(json, "array", nullable, said);
  json.key("items").begin_object().key("type").value("integer");
  write_bounds(json, {said.each_min, said.each_max}, "minimum", "maximum");
  json.end_object();
  write_bounds(json, {said.min, said.max}, "minItems", "maxItems");
  end_schema(json, said);
}

void Value<std::vector<std::chrono::seconds>>::bind(Values& to, const List& value) {
  std::string text;
  format::JsonWriter json(text);
  write(json, value);
  to.add_text(std::move(text));
}

base::Result<void> Value<std::vector<std::chrono::seconds>>::load(const Stored& from, List& to) {
  XD_TRY(const auto document, stored_json(from));
  to.clear();
  for (const format::Value& one : document.root().elements()) {
    const auto number = one.integer();
    if (!number) return std::unexpected(damaged(from, "it is damaged; restore a backup"));
    to.emplace_back(*number);
  }
  return {};
}

bool Value<base::Rate>::read(format::ObjectReader& from, std::string_view name, const Said&, base::Rate& to) {
  constexpr std::int64_t kRequestsMax = 1'000'000;
  constexpr std::int64_t kWindowMax = 86'400;
  format::ObjectReader inner(*from.any(name), from.pointer_to(name));
  const auto requests = inner.integer("requests", 1, kRequestsMax);
  const auto window = inner.integer("window_seconds", 1, kWindowMax);
  if (!inner.has("requests")) inner.error("requests", "REQUIRED", "from 1 to 1000000");
  const auto checked = inner.finish();
  if (!checked) from.take_errors(checked.error());
  if (requests) to = {static_cast<std::size_t>(*requests), std::chrono::seconds{window.value_or(1)}};
  return requests.has_value();
}

void Value<base::Rate>::write(format::JsonWriter& json, const base::Rate& value) {
  json.begin_object().key("requests").value(value.requests).key("window_seconds");
  json.value(std::chrono::duration_cast<std::chrono::seconds>(value.window).count()).end_object();
}

}  // namespace resource
