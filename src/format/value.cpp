#include "format/value.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "format/decimal.hpp"

namespace format {

namespace {

/// Whether a number other than zero is smaller than one, by its digits alone.
bool is_below_one(std::string_view number) {
  const std::size_t exponent_mark = number.find_first_of("eE");
  const std::string_view digits = number.substr(0, exponent_mark);
  std::int64_t exponent = 0;
  if (exponent_mark != std::string_view::npos) {
    std::string_view text = number.substr(exponent_mark + 1);
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), exponent);
    // Beyond 64 bits its sign decides: no text has so many digits that they could outweigh it.
    if (read.ec == std::errc::result_out_of_range) return text.starts_with('-');
  }
  const std::size_t first = digits.find_first_of("123456789");
  const std::size_t point = std::min(digits.find('.'), digits.size());
  // d.ddd × 10^0 has its first digit one place before the point, 0.0d two places behind that.
  const auto place = static_cast<std::int64_t>(point) - static_cast<std::int64_t>(first);
  return first < point ? exponent < 1 - place : exponent < -place;
}

}  // namespace

std::optional<std::int64_t> Value::integer() const {
  if (kind_ != Kind::number) return std::nullopt;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  if (error != std::errc{} || end != text_.data() + text_.size()) return std::nullopt;
  return number;
}

std::optional<double> Value::real() const {
  if (kind_ != Kind::number) return std::nullopt;
  double number = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), number);
  if (error == std::errc{}) return number;
  // from_chars says the same of a number too large for a double and of one too close to zero; the latter has
  // a nearest double, which is zero.
  if (error != std::errc::result_out_of_range || !is_below_one(text_)) return std::nullopt;
  return text_.starts_with('-') ? -0.0 : 0.0;
}

std::span<const Value> Value::elements() const {
  if (kind_ != Kind::array) return {};
  return {static_cast<const Value*>(children_), size_};
}

std::span<const Member> Value::members() const {
  if (kind_ != Kind::object) return {};
  return {static_cast<const Member*>(children_), size_};
}

namespace {

/// By their keys, so that objects with many members are compared in n log n.
std::vector<const Member*> in_order(std::span<const Member> members) {
  std::vector<const Member*> order;
  order.reserve(members.size());
  for (const Member& member : members) order.push_back(&member);
  std::ranges::sort(order, {}, &Member::key);
  return order;
}

bool same_members(std::span<const Member> a, std::span<const Member> b) {
  if (a.size() != b.size()) return false;
  return std::ranges::equal(in_order(a), in_order(b), [](const Member* one, const Member* other) {
    return one->key == other->key && same_value(one->value, other->value);
  });
}

}  // namespace

bool same_value(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Value::Kind::null: return true;
    case Value::Kind::boolean: return a.boolean() == b.boolean();
    case Value::Kind::string: return a.text() == b.text();
    case Value::Kind::number:
      return a.text() == b.text() || Decimal(a.text()).compare(Decimal(b.text())) == 0;
    case Value::Kind::array: return std::ranges::equal(a.elements(), b.elements(), same_value);
    case Value::Kind::object: return same_members(a.members(), b.members());
  }
  return false;
}

const Value* Value::find(std::string_view key) const {
  for (const Member& member : members()) {
    if (member.key == key) return &member.value;
  }
  return nullptr;
}

}  // namespace format
