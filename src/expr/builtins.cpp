// The table of all built-in functions, and what each name means.
#include <deque>
#include <unordered_map>

#include "base/assert.hpp"
#include "expr/builtin.hpp"
#include "expr/evaluation.hpp"

namespace expr {

namespace {

struct Known {
  const Builtin* builtin;
  Signature signature;
  Function function;
};

/// Built once, at the first use, and never changed: shared by all threads.
class Catalog {
 public:
  Catalog() {
    for (const auto table : {text_builtins(), match_builtins(), encoding_builtins(), number_builtins(),
                             array_builtins(), higher_order_builtins(), object_builtins(), time_builtins()}) {
      for (const Builtin& builtin : table) add(builtin);
    }
  }

  const Known* find(std::string_view name) const {
    const auto found = by_name_.find(name);
    return found == by_name_.end() ? nullptr : found->second;
  }

 private:
  void add(const Builtin& builtin) {
    Known& known =
        known_.emplace_back(Known{&builtin, {}, {.kind = Function::Kind::builtin, .builtin = &builtin}});
    if (!builtin.signature_text.empty()) {
      const auto parsed = Signature::parse(builtin.signature_text, memory_);
      XD_ASSERT(parsed.has_value());
      known.signature = *parsed;
      known.function.signature = &known.signature;
    }
    by_name_.emplace(builtin.name, &known);
  }

  std::pmr::monotonic_buffer_resource memory_;
  std::deque<Known> known_;
  std::unordered_map<std::string_view, const Known*> by_name_;
};

const Catalog& catalog() {
  static const Catalog known;
  return known;
}

}  // namespace

const Builtin* find_builtin(std::string_view name) {
  const Known* known = catalog().find(name);
  return known == nullptr ? nullptr : known->builtin;
}

const Function* function_of(const Builtin& builtin) { return &catalog().find(builtin.name)->function; }

}  // namespace expr
