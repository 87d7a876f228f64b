// One run of a program over one input: walks the tree, counts what it costs, and stops where a limit is
// reached.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "expr/builtin.hpp"
#include "expr/environment.hpp"
#include "expr/error.hpp"
#include "expr/item.hpp"
#include "expr/node.hpp"
#include "expr/number.hpp"
#include "format/arena.hpp"

namespace expr {

struct Tree;

/// Variables of a block or a call, within those around it.
struct Frame {
  Frame* outer = nullptr;
  Binding* bindings = nullptr;
  std::uint32_t size = 0;
  std::uint32_t capacity = 0;
};

/// Something that can be called.
struct Function {
  enum class Kind : std::uint8_t {
    lambda,  ///< node (a lambda), frame, input; parameters that are bound already are marked in `bound`
    builtin,
    partial,      ///< builtin, arguments with holes
    regex,        ///< node
    next_match,   ///< node, text, offset, units: the `next` of a match
    composition,  ///< first ~> second
    update        ///< node, frame: |…|…|
  };

  Kind kind = Kind::lambda;
  const Node* node = nullptr;
  const Builtin* builtin = nullptr;
  const Signature* signature = nullptr;
  Frame* frame = nullptr;
  Item input{};
  std::span<const Item> arguments{};  ///< of a partial: kind tuple (never an argument) where a hole is
  std::span<const std::string_view> parameters{};
  Item first{};
  Item second{};
  std::string_view text{};
  std::size_t offset = 0;
  double units = 0;  ///< the offset in UTF-16 units
};

struct TailCall {
  const Node* call;
  Item input;
  Frame* frame;
};

/// Where an evaluation went wrong; it stays in this state. position is in bytes, -1 where it is not known
/// yet.
struct Failure {
  Code code{};
  std::int64_t position = -1;
  std::string token{};
  std::string value{};
  std::string detail{};
  bool has_token = false;
};

// Requires item's value, or leaves the function with the failure: XD_ITEM(const Item x, evaluate(…)).
#define XD_ITEM(declaration, expression)                                                \
  const Item XD_CONCAT(xd_item_, __LINE__) = (expression);                              \
  if (XD_CONCAT(xd_item_, __LINE__).is_failure()) return XD_CONCAT(xd_item_, __LINE__); \
  declaration = XD_CONCAT(xd_item_, __LINE__)

class Evaluation {
 public:
  Evaluation(const Environment& environment, format::Arena& arena);
  ~Evaluation();
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  /// The whole program. A failure's reason is in failure().
  Item run(const Node& root, Item input);
  const Failure& failure() const { return *failure_; }
  bool failed() const { return failure_.has_value(); }

  // --- the language; each in a file of its own
  Item evaluate(const Node& node, Item input, Frame* frame);
  Item call(Item function, std::span<const Item> arguments, Item input, Frame* frame);
  Item update(const Function& function, Item object);
  Item clone(Item item);
  Item snapshot(Item item);

  // --- what built-in functions need
  const Environment& environment() const { return environment_; }
  format::Arena& arena() { return arena_; }
  std::uint64_t random();
  Item evaluate_text(std::string_view source, Item input, bool has_input, Frame* frame);

  /// Counts steps that no evaluate() counts. False when the evaluation must end.
  bool charge(std::size_t steps) {
    steps_left_ -= static_cast<std::int64_t>(steps);
    return steps_left_ >= 0 || refill();
  }
  /// Fails, unless it has failed before. Where the failure is not inside of a node, the call around adds its
  /// own.
  Item fail(Code code, Item value = {}, std::string_view detail = {});
  Item fail_at(Code code, const Node& node, std::string_view token, Item value = {},
               std::string_view detail = {});

  Array* array(std::size_t capacity = 0);
  Array* sequence(std::size_t capacity = 0) {
    Array* made = array(capacity);
    made->sequence = true;
    return made;
  }
  Array* sequence_of(Item item) {
    Array* made = sequence(1);
    push(*made, item);
    return made;
  }
  void push(Array& to, Item item);
  void push_all(Array& to, Item array);
  /// Both as one array (JSONata, $append).
  Item append(Item left, Item right);
  Object* object(std::size_t capacity = 0);
  /// Last one wins, in the place of the first.
  void set(Object& object, std::string_view key, Item value);
  void erase(Object& object, std::string_view key);
  Frame* frame(Frame* outer, std::size_t capacity);
  void bind(Frame& frame, std::string_view name, Item value);

  /// Memory for so many; nullptr, and failed, where there is no more.
  template <class T>
  T* many(std::size_t count) {
    void* const memory = arena_.allocate(count * sizeof(T), alignof(T));
    if (memory == nullptr) out_of_memory();
    return static_cast<T*>(memory);
  }
  char* bytes(std::size_t size) { return many<char>(size); }
  std::string_view keep(std::string_view text);
  std::string_view joined(std::string_view a, std::string_view b);
  /// The text of a value as & and $string make it.
  Item to_text(Item item, bool pretty = false);
  /// Numbers as they are shown by $string.
  std::string_view number_text(Item number);

  /// For functions that call functions with a value, its index and the whole: as many of these as it takes.
  Item call_with(Item function, Item value, Item index, Item whole, const Arguments& from);

  /// The same for a value and a bound on what may be looked at; fails where it is not enough.
  bool same(Item a, Item b);
  std::uint64_t hash(Item item);
  /// What counts as true (JSONata, $boolean).
  bool truth(Item item);
  /// A number that arithmetic can use: finite. Fails with D1001 where it is not.
  bool usable(Item item);

  std::optional<format::Value> to_value(Item item);

 private:
  Item dispatch(const Node& node, Item input, Frame* frame);
  Item block(const Node& node, Item input, Frame* frame);
  Item function(const Node& node, Item input, Frame* frame);
  Item finish(const Node& node, Item result, Frame* frame);
  bool refill();
  std::size_t spent(const Effort& effort) const;
  void out_of_memory();
  void reserve(Array& array, std::size_t capacity);
  void raise(std::uint16_t& height, Item part);

  // names and paths
  Item lookup(Item item, std::string_view name);
  void lookup_into(Array& found, Item item, std::string_view name);
  Item variable(const Node& node, Item input, Frame* frame);
  Item find_variable(std::string_view name, const Frame* frame) const;
  Item plain_path(const Node& node, Item input, Frame* frame);
  Item path(const Node& node, Item input, Frame* frame);
  Item steps_from(const Node& node, std::size_t first, Item input, Frame* frame);
  Item characters_of(Item item);
  Item step(const Node& node, Item input, Frame* frame, bool is_last);
  Item tuple_step(const Node& node, Item input, Item tuples, Frame* frame);
  void add_tuples(const Node& node, const Tuple& from, Item results, Array& to);
  Item apply_stages(const Node& node, Item result, Frame* frame);
  Item filter(const Node& predicate, Item input, Frame* frame);
  Item filter_by_index(const Node& predicate, Item input);
  Frame* frame_of(const Tuple& tuple, Frame* outer);
  Tuple* tuple_with(const Tuple& from, std::size_t more);
  Item sort(const Node& node, Item input, Frame* frame);
  Item sort_key(const Node& term, Item item, Frame* frame);
  Item wildcard(Item input);
  Item descendants(Item input);
  void flatten(Item array, Array& to);
  void descend(Item input, Array& to);

  // operators
  Item binary(const Node& node, Item input, Frame* frame);
  Item arithmetic(const Node& node, Item left, Item right);
  Item comparison(const Node& node, Item left, Item right);
  Item range(const Node& node, Item left, Item right);
  Item contained(Item left, Item right);
  Item negation(const Node& node, Item input, Frame* frame);
  Item array_of(const Node& node, Item input, Frame* frame);
  Item concat(Item left, Item right);

  // grouping
  Item group(const Group& group, Item input, Frame* frame);
  Item merge_tuples(Item tuples);

  // calls
  Item called(const Node& node, Item input, Frame* frame, const Item* applied);
  Item apply(const Node& node, Item input, Frame* frame);
  Item partial(const Node& node, Item input, Frame* frame);
  Item call_once(const Function& function, std::span<const Item> arguments, Item input, Frame* frame);
  Item call_builtin(const Builtin& builtin, std::span<const Item> arguments, Item input, Frame* frame);
  Item call_partial(const Function& function, std::span<const Item> arguments, Item input, Frame* frame);
  Item call_lambda(const Function& function, std::span<const Item> arguments);
  Item match_once(const Node& regex, std::string_view text, std::size_t from, double units);
  std::span<const Item> validated(const Signature& signature, std::span<const Item> arguments, Item context,
                                  std::size_t room, bool& ok);
  Item wrapped(const Parameter& parameter, Item argument, std::size_t index, bool& ok);
  void name_call(const Node& node);
  static std::string_view called_name(const Node& node);

  const Environment& environment_;
  format::Arena& arena_;
  Frame globals_{};
  std::optional<Failure> failure_;
  std::int64_t steps_left_;       ///< until the clock is looked at again
  std::uint64_t steps_used_ = 0;  ///< before these
  std::int64_t steps_granted_;
  std::uint32_t depth_left_;
  base::Steady begun_;
  std::uint64_t random_state_;
  std::vector<std::unique_ptr<Tree>> nested_;  ///< of texts given to $eval
};

inline bool is_number_array(Item item) {
  if (!item.is_array()) return false;
  const Elements elements(item);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    if (!elements[i].is_number()) return false;
  }
  return true;
}

std::size_t arity_of(const Function& function);

}  // namespace expr
