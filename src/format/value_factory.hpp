// Makes values out of parts that lie elsewhere, such as in an Arena: for results that are computed, not
// parsed.
#pragma once

#include <limits>

#include "base/assert.hpp"
#include "format/value.hpp"

namespace format {

/// What is made refers to what it was given: texts, elements and members must live as long as the value.
/// A part may be a value of a parsed tree; it is not copied.
class ValueFactory {
 public:
  static Value null() { return {}; }
  static Value boolean(bool flag) {
    Value value;
    value.kind_ = Value::Kind::boolean;
    value.boolean_ = flag;
    return value;
  }
  /// text is a number by JSON's grammar.
  static Value number(std::string_view text) { return of_text(Value::Kind::number, text); }
  static Value string(std::string_view text) { return of_text(Value::Kind::string, text); }
  static Value array(std::span<const Value> elements) {
    return of_children(Value::Kind::array, elements.data(), elements.size());
  }
  /// Keys are unique.
  static Value object(std::span<const Member> members) {
    return of_children(Value::Kind::object, members.data(), members.size());
  }

 private:
  static Value of_text(Value::Kind kind, std::string_view text) {
    Value value;
    value.kind_ = kind;
    value.text_ = text;
    return value;
  }
  static Value of_children(Value::Kind kind, const void* children, std::size_t size) {
    XD_ASSERT(size <= std::numeric_limits<std::uint32_t>::max());
    Value value;
    value.kind_ = kind;
    value.children_ = children;
    value.size_ = static_cast<std::uint32_t>(size);
    return value;
  }
};

}  // namespace format
