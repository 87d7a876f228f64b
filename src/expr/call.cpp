// Calls: of functions of the language, of built-in ones, of parts of both.
#include <string>

#include "expr/evaluation.hpp"
#include "expr/parser.hpp"

namespace expr {

namespace {

/// Built-in functions may read so many arguments, whatever they were given.
constexpr std::size_t kReadable = 4;

const Item kHole = Item::of(static_cast<Tuple*>(nullptr));

std::string_view type_name(Types elements) {
  switch (elements) {
    case types::kString: return "strings";
    case types::kNumber: return "numbers";
    case types::kBoolean: return "booleans";
    case types::kObject: return "objects";
    case types::kArray: return "arrays";
    case types::kFunction: return "functions";
    default: return "values";
  }
}

}  // namespace

std::size_t arity_of(const Function& function) {
  switch (function.kind) {
    case Function::Kind::lambda:
      return function.parameters.data() != nullptr ? function.parameters.size()
                                                   : function.node->children.size();
    case Function::Kind::builtin: return function.builtin->arity;
    case Function::Kind::partial: {
      std::size_t holes = 0;
      for (const Item argument : function.arguments) holes += argument.kind() == Item::Kind::tuple ? 1 : 0;
      return holes;
    }
    case Function::Kind::regex: return 2;
    case Function::Kind::next_match: return 0;
    case Function::Kind::composition:
    case Function::Kind::update: return 1;
  }
  return 0;
}

std::string_view Evaluation::called_name(const Node& node) {
  const Node& procedure = *node.left;
  return procedure.kind == Node::Kind::path ? procedure.children.front()->text : procedure.text;
}

void Evaluation::name_call(const Node& node) {
  if (failure_->position < 0) failure_->position = node.position;
  if (!failure_->has_token) {
    failure_->token = called_name(node);
    failure_->has_token = true;
  }
}

Item Evaluation::called(const Node& node, Item input, Frame* frame, const Item* applied) {
  XD_ITEM(const Item function, evaluate(*node.left, input, frame));
  if (function.is_undefined() && node.left->kind == Node::Kind::path &&
      !find_variable(called_name(node), frame).is_undefined()) {
    return fail_at(Code::T1005, node, called_name(node));
  }
  const std::size_t before = applied == nullptr ? 0 : 1;
  const std::size_t count = node.children.size() + before;
  Array* arguments = array(count + kReadable);
  if (failed()) return Item::failure();
  if (applied != nullptr) arguments->items[arguments->size++] = *applied;
  for (const Node* each : node.children) {
    XD_ITEM(const Item argument, evaluate(*each, input, frame));
    arguments->items[arguments->size++] = argument;
  }
  Item result = call(function, {arguments->items, count}, input, frame);
  if (result.is_failure()) name_call(node);
  return result;
}

Item Evaluation::call(Item function, std::span<const Item> arguments, Item input, Frame* frame) {
  if (!function.is_function()) return fail(Code::T1006, function);
  if (depth_left_ == 0) return fail(Code::U1001);
  --depth_left_;
  Item result = call_once(*function.function(), arguments, input, frame);
  while (result.is_tail_call() && charge(1)) {
    const TailCall next = *result.tail_call();
    const Node& node = *next.call;
    XD_ITEM(const Item target, evaluate(*node.left, next.input, next.frame));
    Array* values = array(node.children.size() + kReadable);
    if (failed()) return Item::failure();
    for (const Node* each : node.children) {
      XD_ITEM(const Item argument, evaluate(*each, next.input, next.frame));
      values->items[values->size++] = argument;
    }
    result = target.is_function() ? call_once(*target.function(), {values->items, values->size}, input, frame)
                                  : fail(Code::T1006, target);
    if (result.is_failure()) name_call(node);
  }
  ++depth_left_;
  return failed() ? Item::failure() : result;
}

Item Evaluation::call_once(const Function& function, std::span<const Item> arguments, Item input,
                           Frame* frame) {
  switch (function.kind) {
    case Function::Kind::lambda: {
      bool ok = true;
      if (function.signature != nullptr) arguments = validated(*function.signature, arguments, input, 0, ok);
      return ok ? call_lambda(function, arguments) : Item::failure();
    }
    case Function::Kind::builtin: return call_builtin(*function.builtin, arguments, input, frame);
    case Function::Kind::partial: return call_partial(function, arguments, input, frame);
    case Function::Kind::composition: {
      XD_ITEM(const Item between, call(function.first, arguments, input, frame));
      return call(function.second, {&between, 1}, input, frame);
    }
    case Function::Kind::update: {
      const Item object = arguments.empty() ? Item() : arguments[0];
      if (object.is_undefined() || object.is_array() || object.is_object()) return update(function, object);
      return fail(Code::T0410, object, "1");
    }
    case Function::Kind::regex: {
      if (arguments.empty() || !arguments[0].is_string()) return {};
      const bool has_offset = arguments.size() > 1 && arguments[1].is_number() && arguments[1].number() > 0;
      const std::string_view text = arguments[0].text();
      const auto from = has_offset ? static_cast<std::size_t>(std::min(arguments[1].number(), 1e9)) : 0;
      return from > text.size() ? Item()
                                : match_once(*function.node, text, from, utf16_units(text.substr(0, from)));
    }
    case Function::Kind::next_match: {
      if (function.offset >= function.text.size()) return {};
      return match_once(*function.node, function.text, function.offset, function.units);
    }
  }
  return {};
}

Item Evaluation::match_once(const Node& regex, std::string_view text, std::size_t from, double units) {
  constexpr std::size_t kPartsMax = 32;
  std::array<std::string_view, kPartsMax> parts;
  // To find no more it may have to look at all of the text.
  if (!charge(1 + (text.size() - from) / 1024)) return Item::failure();
  if (!regex.regex->search(text, from, parts)) return {};
  const std::size_t start = static_cast<std::size_t>(parts[0].data() - text.data());
  const std::size_t end = start + parts[0].size();
  if (parts[0].empty()) return fail_at(Code::D1004, regex, "", Item::of(regex.text));
  if (!charge((end - from) / 64)) return Item::failure();
  const double start_unit = units + utf16_units(text.substr(from, start - from));
  const double end_unit = start_unit + utf16_units(parts[0]);
  Object* match = object(5);
  set(*match, "match", Item::of(parts[0]));
  set(*match, "start", Item::of(start_unit));
  set(*match, "end", Item::of(end_unit));
  Array* groups = array(regex.regex->groups());
  for (std::size_t i = 1; i <= std::min(regex.regex->groups(), kPartsMax - 1); ++i) {
    push(*groups, parts[i].data() == nullptr ? Item() : Item::of(parts[i]));
  }
  set(*match, "groups", Item::of(groups));
  Function next{.kind = Function::Kind::next_match, .node = &regex};
  next.text = text;
  next.offset = end;
  next.units = end_unit;
  set(*match, "next", Item::of(arena_.make<Function>(next)));
  return Item::of(match);
}

Item Evaluation::call_builtin(const Builtin& builtin, std::span<const Item> arguments, Item input,
                              Frame* frame) {
  const Signature* signature = function_of(builtin)->signature;
  bool ok = true;
  if (signature != nullptr) {
    arguments = validated(*signature, arguments, input, kReadable, ok);
    if (!ok) return Item::failure();
  } else {
    Array* padded = array(arguments.size() + kReadable);
    if (failed()) return Item::failure();
    std::ranges::copy(arguments, padded->items);
    std::fill_n(padded->items + arguments.size(), kReadable, Item());
    arguments = {padded->items, arguments.size()};
  }
  // Whatever it does, it takes time that grows with the texts that it is given.
  std::size_t text_bytes = 0;
  for (const Item argument : arguments) text_bytes += argument.is_string() ? argument.text().size() : 0;
  if (!charge(text_bytes / 64)) return Item::failure();
  const Item result = builtin.body(*this, {arguments, input, frame});
  return failed() ? Item::failure() : result;
}

Item Evaluation::call_lambda(const Function& function, std::span<const Item> arguments) {
  const Node& node = *function.node;
  const bool reduced = function.parameters.data() != nullptr;
  const std::size_t count = reduced ? function.parameters.size() : node.children.size();
  Frame* inner = frame(function.frame, count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    bind(*inner, reduced ? function.parameters[i] : node.children[i]->text,
         i < arguments.size() ? arguments[i] : Item());
  }
  return evaluate(*node.right, function.input, inner);
}

Item Evaluation::call_partial(const Function& function, std::span<const Item> arguments, Item input,
                              Frame* frame) {
  Array* filled = array(function.arguments.size());
  std::size_t next = 0;
  for (const Item argument : function.arguments) {
    const bool is_hole = argument.kind() == Item::Kind::tuple;
    push(*filled, !is_hole ? argument : next < arguments.size() ? arguments[next] : Item());
    next += is_hole ? 1 : 0;
  }
  if (failed()) return Item::failure();
  return call(function.first, {filled->items, filled->size}, input, frame);
}

Item Evaluation::wrapped(const Parameter& parameter, Item argument, std::size_t index, bool& ok) {
  if (!parameter.array || argument.is_undefined()) return argument;
  const auto refuse = [&] {
    fail(Code::T0412, argument,
         std::to_string(index + 1) + " (an array of " + std::string(type_name(parameter.elements)) + ")");
    ok = false;
    return Item::failure();
  };
  if (argument.is_array()) {
    if (parameter.elements == 0) return argument;
    const Elements elements(argument);
    if (!charge(elements.size() / 8)) return refuse();
    for (std::size_t i = 0; i < elements.size(); ++i) {
      if ((type_of(elements[i]) & parameter.elements) == 0) return refuse();
    }
    return argument;
  }
  if (parameter.elements != 0 && (type_of(argument) & parameter.elements) == 0) return refuse();
  Array* one = array(1);
  push(*one, argument);
  return Item::of(one);
}

std::span<const Item> Evaluation::validated(const Signature& signature, std::span<const Item> arguments,
                                            Item context, std::size_t room, bool& ok) {
  const auto matching = match(signature, arguments);
  if (!matching) {
    const Item bad = matching.error() < arguments.size() ? arguments[matching.error()] : Item();
    fail(Code::T0410, bad, std::to_string(matching.error() + 1));
    ok = false;
    return {};
  }
  if (const Array* outer = context.array(); outer != nullptr && outer->outer) context = outer->items[0];
  Array* fitted = array(arguments.size() + signature.parameters.size() + room);
  if (failed()) {
    ok = false;
    return {};
  }
  std::size_t next = 0;
  for (std::size_t p = 0; p < signature.parameters.size() && ok; ++p) {
    const Parameter& parameter = signature.parameters[p];
    const std::size_t taken = matching->taken[p];
    if (taken == 0 && parameter.context) {
      if ((parameter.types & type_of(context)) == 0) {
        fail(Code::T0411, context, std::to_string(next + 1));
        ok = false;
        break;
      }
      fitted->items[fitted->size++] = context;
      continue;
    }
    // An optional parameter that does not fit still uses up its argument, as in the reference.
    for (std::size_t i = 0; i < std::max<std::size_t>(taken, 1); ++i, ++next) {
      const Item argument = next < arguments.size() ? arguments[next] : Item();
      fitted->items[fitted->size++] = taken == 0 ? argument : wrapped(parameter, argument, next, ok);
    }
  }
  std::fill(fitted->items + fitted->size, fitted->items + fitted->capacity, Item());
  return {fitted->items, fitted->size};
}

Item Evaluation::apply(const Node& node, Item input, Frame* frame) {
  XD_ITEM(const Item left, evaluate(*node.left, input, frame));
  if (node.right->kind == Node::Kind::call && node.right->predicates.empty()) {
    return called(*node.right, input, frame, &left);
  }
  XD_ITEM(const Item right, evaluate(*node.right, input, frame));
  if (!right.is_function()) return fail_at(Code::T2006, node, node.text, right);
  if (left.is_function()) {
    Function both{.kind = Function::Kind::composition};
    both.first = left;
    both.second = right;
    return Item::of(arena_.make<Function>(both));
  }
  return call(right, {&left, 1}, input, frame);
}

Item Evaluation::partial(const Node& node, Item input, Frame* frame) {
  Array* arguments = array(node.children.size());
  for (const Node* each : node.children) {
    if (each->kind == Node::Kind::placeholder) {
      push(*arguments, kHole);
      continue;
    }
    XD_ITEM(const Item argument, evaluate(*each, input, frame));
    push(*arguments, argument);
  }
  XD_ITEM(const Item function, evaluate(*node.left, input, frame));
  if (failed()) return Item::failure();
  if (function.is_undefined() && node.left->kind == Node::Kind::path &&
      !find_variable(called_name(node), frame).is_undefined()) {
    return fail_at(Code::T1007, node, called_name(node));
  }
  if (!function.is_function()) return fail_at(Code::T1008, node, called_name(node), function);
  Function made{.kind = Function::Kind::partial};
  made.first = function;
  made.arguments = {arguments->items, arguments->size};
  const Function& target = *function.function();
  if (target.kind != Function::Kind::lambda) return Item::of(arena_.make<Function>(made));

  // Of a function of the language: the same one, with some of its parameters bound already.
  const bool reduced = target.parameters.data() != nullptr;
  const std::size_t count = reduced ? target.parameters.size() : target.node->children.size();
  made = target;
  made.signature = nullptr;
  made.frame = this->frame(target.frame, count + 1);
  auto* const open = many<std::string_view>(count + 1);
  if (open == nullptr) return Item::failure();
  std::size_t open_count = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view name = reduced ? target.parameters[i] : target.node->children[i]->text;
    const Item argument = i < arguments->size ? arguments->items[i] : Item();
    if (argument.kind() == Item::Kind::tuple) {
      ::new (&open[open_count++]) std::string_view(name);
    } else {
      bind(*made.frame, name, argument);
    }
  }
  made.parameters = {open, open_count};
  return Item::of(arena_.make<Function>(made));
}

// The context of what is called so is null, as in the reference: a function that wants one is given it.
Item Evaluation::call_with(Item function, Item value, Item index, Item whole, const Arguments& from) {
  const std::size_t arity = function.is_function() ? arity_of(*function.function()) : 1;
  const std::array<Item, 3> arguments{value, index, whole};
  return call(function, std::span(arguments).first(std::clamp<std::size_t>(arity, 1, 3)), Item::null(),
              from.frame);
}

}  // namespace expr
