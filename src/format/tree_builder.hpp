// Makes a Document: what a parser of any format tells about its text, in the order of the text, becomes a
// tree.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "format/value.hpp"

namespace format {

/// Lives as long as one parse. Calls nest as the document does; wrong nesting is a bug of the caller. Texts,
/// keys and raw spans are kept by reference: they lie in source(), in memory from allocate(), or in a
/// literal.
///   TreeBuilder builder(std::move(text));
///   builder.begin_object();
///   builder.key("id");
///   builder.number("7");
///   builder.end_object();
///   Document document = std::move(builder).finish();
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string source = {});

  std::string_view source() const { return document_.storage_->source; }
  /// Bytes that live as long as the document, for text that does not stand in the source as it is meant.
  char* allocate(std::size_t bytes);

  /// Names the next value of an object. at is where the key begins in the source; it comes back from
  /// repeated_key().
  void key(std::string_view name, const char* at = nullptr);

  /// raw is the value's JSON text, empty where it was read from another format.
  void null(std::string_view raw = {});
  void boolean(bool flag, std::string_view raw = {});
  void string(std::string_view text, std::string_view raw = {});
  /// text is a number by JSON's grammar.
  void number(std::string_view text, std::string_view raw = {});

  /// raw_begin is where the brace stands, raw_end what is behind the closing one; both or neither.
  void begin_object(const char* raw_begin = nullptr);
  void end_object(const char* raw_end = nullptr);
  void begin_array(const char* raw_begin = nullptr);
  void end_array(const char* raw_end = nullptr);

  /// How many objects and arrays are open.
  std::size_t depth() const { return depth_; }
  /// Whether the innermost of them is an object.
  bool in_object() const { return innermost_ != kNone && slots_[innermost_].member.value.is_object(); }

  struct RepeatedKey {
    std::string_view key;
    const char* at;
  };
  /// Of the open object: the first key that was given before. O(n log n), whatever the keys.
  std::optional<RepeatedKey> repeated_key() const;

  /// The document; everything that was begun has been ended.
  Document finish() &&;

 private:
  /// A value on its way into the tree. Those of an open object or array lie behind its own slot until it is
  /// ended; then they move, together, into the arena.
  struct Slot {
    Member member;
    const char* key_at;
    std::size_t enclosing;            ///< of an open object or array: the slot of the one it lies in
    const char* raw_begin = nullptr;  ///< of an open object or array: where its brace stands
  };
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  Value& add(Value::Kind kind, std::string_view raw);
  void begin(Value::Kind kind, const char* raw_begin);
  template <class Child, class Projection>
  void end(Value::Kind kind, const char* raw_end, Projection child_of);
  std::span<const Slot> children() const;
  static std::size_t first_repeated_of_few(std::span<const Slot> slots);
  static std::size_t first_repeated_of_many(std::span<const Slot> slots);

  Document document_;
  std::vector<Slot> slots_;
  std::size_t innermost_ = kNone;
  std::size_t depth_ = 0;
  std::optional<std::string_view> key_;
  const char* key_at_ = nullptr;
};

}  // namespace format
