// A parsed document of any format: a tree of values in one arena, which keeps numbers as they were written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace format {

class Value;

/// A named value of an object.
struct Member;

/// One value. Cheap to copy (it refers into its Document's arena and must not outlive it); immutable once
/// built.
class Value {
 public:
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_object() const { return kind_ == Kind::object; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_number() const { return kind_ == Kind::number; }
  bool is_boolean() const { return kind_ == Kind::boolean; }

  bool boolean() const { return boolean_; }
  /// Of a string: its characters (UTF-8, unescaped). Of a number: its text as written.
  std::string_view text() const { return text_; }
  /// Of a number that is an integer within 64 bits (written without point or exponent); else nothing.
  std::optional<std::int64_t> integer() const;
  /// Of a number: the nearest double; nothing when it overflows.
  std::optional<double> real() const;
  std::span<const Value> elements() const;
  std::span<const Member> members() const;  ///< in the order of the document
  /// Of an object: the member's value, or nullptr.
  const Value* find(std::string_view key) const;
  /// The exact bytes of the JSON text that this value was read from (an object from its brace to its brace);
  /// empty for values that came from elsewhere.
  std::string_view raw() const { return raw_; }

 private:
  friend class TreeBuilder;
  friend class ValueFactory;

  Kind kind_ = Kind::null;
  bool boolean_ = false;
  std::uint32_t size_ = 0;
  std::string_view text_;
  std::string_view raw_;
  const void* children_ = nullptr;  // Value[size_] of an array, Member[size_] of an object
};

struct Member {
  std::string_view key;
  Value value;
};

/// Whether two values mean the same, however they are written: the order of members, escapes and blanks say
/// nothing, and 1.0 is 1. null is a value like others.
bool same_value(const Value& a, const Value& b);

/// Owns the arena and the source text of one parsed tree. Moving it moves none of its values: they stay valid
/// as long as some Document holds the tree. Built by TreeBuilder.
class Document {
 public:
  Document(Document&&) = default;
  Document& operator=(Document&&) = default;

  const Value& root() const { return root_; }

 private:
  friend class TreeBuilder;

  /// The text, and the arena with its first bytes right behind this object: one allocation for a small
  /// document.
  struct Storage {
    struct ArenaStart {
      std::size_t bytes;
    };
    Storage(std::string text, ArenaStart start) : source(std::move(text)), arena(this + 1, start.bytes) {}
    static void* operator new(std::size_t size, ArenaStart start) {
      return ::operator new(size + start.bytes);
    }
    static void operator delete(void* block, ArenaStart) { ::operator delete(block); }
    static void operator delete(void* block) { ::operator delete(block); }

    std::string source;
    std::pmr::monotonic_buffer_resource arena;
  };

  explicit Document(std::unique_ptr<Storage> storage) : storage_(std::move(storage)) {}

  std::unique_ptr<Storage> storage_;
  Value root_;
};

}  // namespace format
