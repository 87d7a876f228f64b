#include "expr/signature.hpp"

#include <vector>

namespace expr {

namespace {

using namespace types;

constexpr Types kAny = kString | kNumber | kBoolean | kNull | kArray | kObject | kMissing;

/// The types that a letter names; 0 for none.
Types types_of(char letter) {
  switch (letter) {
    case 's': return kString | kMissing;
    case 'n': return kNumber | kMissing;
    case 'b': return kBoolean | kMissing;
    case 'l': return kNull | kMissing;
    case 'o': return kObject | kMissing;
    case 'a': return kAny | kFunction;
    case 'f': return kFunction;
    case 'j': return kAny;
    case 'x': return kAny | kFunction;
    case 'u': return kBoolean | kNumber | kString | kNull | kMissing;
    default: return 0;
  }
}

/// Where the bracket that stands at `open` is closed; the end where it is not.
std::size_t closing(std::string_view text, std::size_t open, char opener, char closer) {
  int depth = 1;
  std::size_t at = open;
  while (depth > 0 && ++at < text.size()) {
    if (text[at] == closer) --depth;
    if (text[at] == opener) ++depth;
  }
  return at;
}

class Matcher {
 public:
  Matcher(const Signature& signature, std::span<const Item> arguments)
      : parameters_(signature.parameters), arguments_(arguments) {}

  bool fits(std::size_t parameter, std::size_t argument) {
    if (parameter == parameters_.size()) return argument == arguments_.size();
    const Parameter& each = parameters_[parameter];
    const std::size_t least = each.count == Parameter::Count::optional ? 0 : 1;
    const std::size_t most = each.count == Parameter::Count::many ? arguments_.size() : 1;
    std::size_t taken = 0;
    while (taken < most && argument + taken < arguments_.size() && takes(each, argument + taken)) ++taken;
    reached_ = std::max(reached_, argument + taken);
    for (;; --taken) {
      if (taken < least) return false;
      matching_.taken[parameter] = static_cast<std::uint16_t>(taken);
      if (fits(parameter + 1, argument + taken)) return true;
      if (taken == 0) return false;
    }
  }

  /// How many arguments the parameters take from the left, where they do not take all.
  std::size_t good() const { return reached_; }
  const Matching& matching() const { return matching_; }

 private:
  bool takes(const Parameter& parameter, std::size_t argument) const {
    return (parameter.types & type_of(arguments_[argument])) != 0;
  }

  std::span<const Parameter> parameters_;
  std::span<const Item> arguments_;
  Matching matching_;
  std::size_t reached_ = 0;
};

}  // namespace

Types type_of(Item item) {
  switch (item.kind()) {
    case Item::Kind::null: return kNull;
    case Item::Kind::boolean: return kBoolean;
    case Item::Kind::number: return kNumber;
    case Item::Kind::string: return kString;
    case Item::Kind::array: return kArray;
    case Item::Kind::object: return kObject;
    case Item::Kind::function: return kFunction;
    default: return kMissing;
  }
}

std::expected<Signature, Code> Signature::parse(std::string_view text, std::pmr::memory_resource& memory) {
  std::vector<Parameter> parameters;
  Parameter* last = nullptr;
  for (std::size_t at = 1; at < text.size() && text[at] != ':' && text[at] != '>'; ++at) {
    const char c = text[at];
    if (const Types named = types_of(c)) {
      if (parameters.size() == kParametersMax) return std::unexpected(Code::S0402);
      last = &parameters.emplace_back(Parameter{.types = named, .array = c == 'a'});
    } else if (c == '(') {
      const std::size_t end = closing(text, at, '(', ')');
      const std::string_view choice = text.substr(at + 1, end - at - 1);
      if (choice.contains('<')) return std::unexpected(Code::S0402);
      if (parameters.size() == kParametersMax) return std::unexpected(Code::S0402);
      last = &parameters.emplace_back(Parameter{.types = kMissing});
      for (const char letter : choice) last->types |= letter == 'a' ? kArray : types_of(letter);
      at = end;
    } else if (c == '<' && last != nullptr) {
      if (!last->array && last->types != kFunction) return std::unexpected(Code::S0401);
      const std::size_t end = closing(text, at, '<', '>');
      if (last->array && end > at + 1) {
        const char letter = text[at + 1];
        // All elements of one type: arrays are meant as such here, not as anything that could become one.
        last->elements = letter == 'a' ? kArray : static_cast<Types>(types_of(letter) & ~kMissing);
      }
      at = end;
    } else if (last != nullptr && c == '-') {
      last->context = true;
      last->count = Parameter::Count::optional;
    } else if (last != nullptr && c == '?') {
      last->count = Parameter::Count::optional;
    } else if (last != nullptr && c == '+') {
      last->count = Parameter::Count::many;
    }
  }
  auto* const kept = static_cast<Parameter*>(
      memory.allocate(std::max<std::size_t>(parameters.size(), 1) * sizeof(Parameter), alignof(Parameter)));
  std::uninitialized_copy(parameters.begin(), parameters.end(), kept);
  return Signature{{kept, parameters.size()}, text};
}

std::expected<Matching, std::size_t> match(const Signature& signature, std::span<const Item> arguments) {
  Matcher matcher(signature, arguments);
  if (!matcher.fits(0, 0)) return std::unexpected(std::min(matcher.good(), arguments.size()));
  return matcher.matching();
}

}  // namespace expr
