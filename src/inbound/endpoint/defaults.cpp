#include "inbound/endpoint/defaults.hpp"

namespace inbound {

namespace {

using format::Value;

constexpr std::size_t kSourceBytesMax = 50;
constexpr std::size_t kPlaceBytesMax = 200;

/// One place, or a list of them; nothing where it is neither.
std::optional<Places> read_places(const Value& value) {
  Places places;
  const std::span<const Value> all = value.is_array() ? value.elements() : std::span(&value, 1);
  if (all.empty() || all.size() > kPlacesMax) return std::nullopt;
  for (const Value& one : all) {
    if (!one.is_string() || one.text().empty() || one.text().size() > kPlaceBytesMax) return std::nullopt;
    places.list.emplace_back(one.text());
  }
  return places;
}

void read_paths(const Value& value, Paths& paths, base::FieldErrors& errors) {
  for (const format::Member& member : value.members()) {
    const auto known = std::ranges::find(kPathMembers, member.key, &PathMember::name);
    const auto places = read_places(member.value);
    if (known == std::end(kPathMembers) || !places) {
      errors.push_back(
          {"#/paths/" + std::string(member.key), "INVALID",
           "this is event_type, table, record, old_record, record_id or event_id, and a place or a "
           "list of 1 to 10 places"});
    } else {
      paths.*known->places = *places;
    }
  }
}

}  // namespace

base::Result<SchemeDefaults> read_defaults(const Value& document) {
  SchemeDefaults defaults;
  base::FieldErrors errors;
  if (const Value* source = document.find("source")) {
    if (source->is_string() && source->text().size() <= kSourceBytesMax) {
      defaults.source = source->text();
    } else {
      errors.push_back({"#/source", "INVALID", "this is a text of at most 50 bytes"});
    }
  }
  if (const Value* paths = document.find("paths")) {
    if (paths->is_object()) {
      read_paths(*paths, defaults.paths, errors);
    } else {
      errors.push_back({"#/paths", "WRONG_TYPE", "this is an object of places"});
    }
  }
  if (const Value* dedup = document.find("dedup")) {
    if (dedup->is_string()) defaults.dedup = base::parse_word<Dedup>(dedup->text());
    if (!defaults.dedup) errors.push_back({"#/dedup", "INVALID", "this is off, id, content or body"});
  }
  if (errors.empty()) return defaults;
  return std::unexpected(base::Error{base::Code::invalid, "the signature scheme cannot be used; see errors",
                                     "INVALID_SCHEME", std::move(errors)});
}

}  // namespace inbound
