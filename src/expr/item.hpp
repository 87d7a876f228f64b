// What an expression computes with: the values of JSON, of the input or made on the way, and what only the
// language knows: nothing at all, sequences, functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "format/value.hpp"

namespace expr {

struct Array;
struct Object;
struct Function;
struct Tuple;
struct TailCall;

/// 16 bytes, copied freely; refers to the input, to the program or to the evaluation's arena. Parts of the
/// input stay what they are there, so that a number that is only moved keeps its text.
class Item {
 public:
  enum class Kind : std::uint8_t {
    undefined,
    null,
    boolean,
    number,
    string,
    array,
    object,
    function,
    tuple,      ///< of a stream of tuples, see Tuple
    tail_call,  ///< a call that the caller of the function makes in its place
    failure     ///< no value: the evaluation has failed and says why
  };

  Item() = default;  ///< undefined
  static Item null() { return Item(Kind::null); }
  static Item failure() { return Item(Kind::failure); }
  static Item of(bool flag) {
    Item item(Kind::boolean);
    item.payload_.boolean = flag;
    return item;
  }
  static Item of(double number) {
    Item item(Kind::number);
    item.payload_.number = number;
    return item;
  }
  static Item of(std::string_view text) {
    Item item(Kind::string);
    item.size_ = static_cast<std::uint32_t>(text.size());
    item.payload_.chars = text.data();
    return item;
  }
  static Item of(const char* text) { return of(std::string_view(text)); }
  static Item of(Array* array) {
    Item item(Kind::array);
    item.payload_.array = array;
    return item;
  }
  static Item of(Object* object) {
    Item item(Kind::object);
    item.payload_.object = object;
    return item;
  }
  static Item of(const Function* function) {
    Item item(Kind::function);
    item.payload_.function = function;
    return item;
  }
  static Item of(Tuple* tuple) {
    Item item(Kind::tuple);
    item.payload_.tuple = tuple;
    return item;
  }
  static Item of(TailCall* call) {
    Item item(Kind::tail_call);
    item.payload_.tail_call = call;
    return item;
  }
  /// A part of the input, which must outlive the evaluation.
  static Item of(const format::Value& value);

  Kind kind() const { return kind_; }
  bool is_undefined() const { return kind_ == Kind::undefined; }
  bool is_null() const { return kind_ == Kind::null; }
  bool is_boolean() const { return kind_ == Kind::boolean; }
  bool is_number() const { return kind_ == Kind::number; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_object() const { return kind_ == Kind::object; }
  bool is_function() const { return kind_ == Kind::function; }
  bool is_failure() const { return kind_ == Kind::failure; }
  bool is_tail_call() const { return kind_ == Kind::tail_call; }

  bool boolean() const { return payload_.boolean; }
  double number() const { return from_input_ ? number_of_input() : payload_.number; }
  std::string_view text() const { return {payload_.chars, size_}; }
  const Function* function() const { return payload_.function; }
  Tuple* tuple() const { return payload_.tuple; }
  TailCall* tail_call() const { return payload_.tail_call; }
  /// Of a number, an array or an object that is a part of the input; else nullptr.
  const format::Value* input() const { return from_input_ ? payload_.value : nullptr; }
  /// Of an array or object that was made on the way; else nullptr.
  Array* array() const { return is_array() && !from_input_ ? payload_.array : nullptr; }
  Object* object() const { return is_object() && !from_input_ ? payload_.object : nullptr; }

 private:
  explicit Item(Kind kind) : kind_(kind) {}
  double number_of_input() const;

  Kind kind_ = Kind::undefined;
  bool from_input_ = false;
  std::uint32_t size_ = 0;  ///< of a string
  union {
    bool boolean;
    double number;
    const char* chars;
    const format::Value* value;
    Array* array;
    Object* object;
    const Function* function;
    Tuple* tuple;
    TailCall* tail_call;
  } payload_{.value = nullptr};
};

/// An array that was made on the way. A *sequence* is an array that came to be by collecting results: of one
/// element it becomes that element, of none it becomes nothing (JSONata, "Sequences").
struct Array {
  Item* items = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::uint16_t height = 1;  ///< levels of arrays and objects in it, itself included
  bool sequence = false;
  bool keep_singleton = false;  ///< asked to stay an array by []
  bool constructed = false;     ///< by [] in a path, where it is one result, not many
  bool tuples = false;          ///< its items are tuples
  bool outer = false;           ///< holds the whole input, which is an array itself
};

struct Entry {
  std::string_view key;
  Item value;
};

/// An object that was made on the way, in the order in which its keys came.
struct Object {
  Entry* entries = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
  std::uint16_t height = 1;
  std::uint32_t* index = nullptr;  ///< of a large object: entry + 1 by hash of the key, 0 where free
  std::uint32_t index_size = 0;    ///< a power of two
};

struct Binding {
  std::string_view name;
  Item value;
};

/// One of a stream in which each item remembers what @, # and % will ask for.
struct Tuple {
  Item item;
  Binding* bindings = nullptr;
  std::uint32_t size = 0;
};

/// The elements of an array, wherever it lies.
class Elements {
 public:
  explicit Elements(Item array) {
    if (const Array* made = array.array()) {
      made_ = made->items;
      size_ = made->size;
    } else if (array.is_array()) {
      input_ = array.input()->elements().data();
      size_ = array.input()->elements().size();
    }
  }
  std::size_t size() const { return size_; }
  Item operator[](std::size_t i) const { return made_ != nullptr ? made_[i] : Item::of(input_[i]); }

 private:
  const Item* made_ = nullptr;
  const format::Value* input_ = nullptr;
  std::size_t size_ = 0;
};

/// The members of an object, wherever it lies.
class Members {
 public:
  explicit Members(Item object) {
    if (const Object* made = object.object()) {
      made_ = made->entries;
      size_ = made->size;
    } else if (object.is_object()) {
      input_ = object.input()->members().data();
      size_ = object.input()->members().size();
    }
  }
  std::size_t size() const { return size_; }
  Entry operator[](std::size_t i) const {
    return made_ != nullptr ? made_[i] : Entry{input_[i].key, Item::of(input_[i].value)};
  }

 private:
  const Entry* made_ = nullptr;
  const format::Member* input_ = nullptr;
  std::size_t size_ = 0;
};

/// The member of an object, undefined where it has none or where this is no object.
Item member_of(Item object, std::string_view key);

/// How many values may be looked at. An expression can build a small array whose elements are shared so often
/// that looking at all of it would take forever.
struct Effort {
  std::size_t left;
  bool spend(std::size_t count = 1) {
    if (left < count) {
      left = 0;
      return false;
    }
    left -= count;
    return true;
  }
};

/// Equal as JSONata's = has it: deeply, objects in any order. Without meaning where the effort was not
/// enough.
bool equal(Item a, Item b, Effort& effort);

/// The same for equal items.
std::uint64_t hash_of(Item item, Effort& effort);
std::uint64_t hash_of(std::string_view text);

/// Levels of arrays and objects in a value; of the input no more than its reader allows.
inline std::uint16_t height_of(Item item) {
  if (const Array* array = item.array()) return array->height;
  if (const Object* object = item.object()) return object->height;
  return item.input() != nullptr ? 64 : 0;
}

inline bool is_sequence(Item item) { return item.array() != nullptr && item.array()->sequence; }

inline Item Item::of(const format::Value& value) {
  using ValueKind = format::Value::Kind;
  switch (value.kind()) {
    case ValueKind::null: return null();
    case ValueKind::boolean: return of(value.boolean());
    case ValueKind::string: return of(value.text());
    case ValueKind::number:
    case ValueKind::array:
    case ValueKind::object: break;
  }
  Item item(value.is_number() ? Kind::number : value.is_array() ? Kind::array : Kind::object);
  item.from_input_ = true;
  item.payload_.value = &value;
  return item;
}

}  // namespace expr
