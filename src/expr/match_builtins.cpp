// Built-in functions that look for something in a text (JSONata, "String functions", "Regular expressions").
#include <cmath>

#include "expr/builtin.hpp"
#include "expr/code_points.hpp"
#include "expr/text_builder.hpp"

namespace expr {

namespace {

/// What a matcher has found, which may be a function of the expression (JSONata, "Writing a custom matcher").
struct Match {
  std::string_view text;
  double start = 0;  ///< in UTF-16 units, as in the reference: matchers are given and give these
  double end = 0;
  Item groups;
  Item next;
};

/// Where a count of UTF-16 units ends in a text, in bytes.
std::size_t offset_of_unit(std::string_view text, double unit) {
  std::size_t at = 0;
  double units = 0;
  while (at < text.size() && units < unit) {
    const std::size_t length = character_bytes(text.substr(at));
    units += length == 4 ? 2 : 1;
    at += length;
  }
  return std::min(at, text.size());
}

/// Calls a matcher, or the `next` of a match. False at the end of the matches, and where it failed.
bool find_next(Evaluation& run, const Arguments& arguments, Item function, std::span<const Item> given,
               Match& match) {
  const Item found = run.call(function, given, Item::null(), arguments.frame);
  if (found.is_failure() || found.is_undefined()) return false;
  const Item text = member_of(found, "match");
  const Item start = member_of(found, "start");
  const Item end = member_of(found, "end");
  match.groups = member_of(found, "groups");
  match.next = member_of(found, "next");
  if (!text.is_string() || !start.is_number() || !end.is_number() || !match.groups.is_array() ||
      !match.next.is_function()) {
    run.fail(Code::T1010);
    return false;
  }
  match.text = text.text();
  match.start = start.number();
  match.end = end.number();
  return true;
}

/// Calls each(match) for all matches of a text; it says whether to go on.
template <class Each>
void for_each_match(Evaluation& run, const Arguments& arguments, Item matcher, Item text, Each each) {
  Match match;
  bool more = find_next(run, arguments, matcher, {&text, 1}, match);
  while (more && run.charge(1) && each(match)) more = find_next(run, arguments, match.next, {}, match);
}

Item contains(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string() || arguments[1].is_undefined()) return {};
  if (arguments[1].is_string()) return Item::of(arguments[0].text().contains(arguments[1].text()));
  const Item found = run.call(arguments[1], {&arguments.all[0], 1}, Item::null(), arguments.frame);
  if (found.is_failure()) return found;
  return Item::of(!found.is_undefined());
}

Item match(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  const Item limit = arguments[2];
  if (limit.is_number() && limit.number() < 0) return run.fail(Code::D3040, limit);
  Array* found = run.sequence();
  double left = limit.is_number() ? limit.number() : INFINITY;
  if (left > 0) {
    for_each_match(run, arguments, arguments[1], arguments[0], [&](const Match& each) {
      Object* object = run.object(3);
      run.set(*object, "match", Item::of(each.text));
      run.set(*object, "index", Item::of(each.start));
      run.set(*object, "groups", each.groups);
      run.push(*found, Item::of(object));
      return --left > 0;
    });
  }
  return Item::of(found);
}

Item split(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  const Item limit = arguments[2];
  if (limit.is_number() && limit.number() < 0) return run.fail(Code::D3020, limit);
  double left = limit.is_number() ? std::floor(limit.number()) : INFINITY;
  std::string_view text = arguments[0].text();
  Array* parts = run.array();
  const auto add = [&](std::string_view part) {
    if (left-- > 0) run.push(*parts, Item::of(part));
    return left > 0;
  };
  if (arguments[1].is_string()) {
    const std::string_view separator = arguments[1].text();
    if (separator.empty()) {
      // By characters: halves of a surrogate pair, as JavaScript would give, are no texts.
      while (!text.empty() && run.charge(1)) {
        const std::size_t length = character_bytes(text);
        if (!add(text.substr(0, length))) break;
        text.remove_prefix(length);
      }
      return Item::of(parts);
    }
    for (std::size_t at = text.find(separator); at != std::string_view::npos && run.charge(1);
         at = text.find(separator)) {
      if (!add(text.substr(0, at))) return Item::of(parts);
      text.remove_prefix(at + separator.size());
    }
    add(text);
    return Item::of(parts);
  }
  double from = 0;
  std::size_t at = 0;
  if (left > 0) {
    for_each_match(run, arguments, arguments[1], arguments[0], [&](const Match& each) {
      const std::size_t begin = at + offset_of_unit(text.substr(at), each.start - from);
      const bool more = add(text.substr(at, begin - at));
      at = begin + offset_of_unit(text.substr(begin), each.end - each.start);
      from = each.end;
      return more;
    });
  }
  add(text.substr(at));
  return Item::of(parts);
}

/// A replacement with its $1 filled in: $$ is a dollar, $0 the whole match, $n the n-th group, of as many
/// digits as name a group that there is (JSONata, $replace).
void append_replacement(TextBuilder& out, std::string_view pattern, const Match& match) {
  const Elements groups(match.groups);
  while (!pattern.empty()) {
    const std::size_t dollar = pattern.find('$');
    out.append(pattern.substr(0, dollar));
    if (dollar == std::string_view::npos) return;
    pattern.remove_prefix(dollar + 1);
    if (pattern.starts_with('$')) {
      out.append('$');
      pattern.remove_prefix(1);
      continue;
    }
    if (pattern.starts_with('0')) {
      out.append(match.text);
      pattern.remove_prefix(1);
      continue;
    }
    std::size_t digits = 0;
    std::size_t number = 0;
    std::size_t most = 1;
    for (std::size_t groups_max = groups.size(); groups_max >= 10; groups_max /= 10) ++most;
    while (digits < most && digits < pattern.size() && pattern[digits] >= '0' && pattern[digits] <= '9') {
      const std::size_t next = number * 10 + static_cast<std::size_t>(pattern[digits] - '0');
      if (digits > 0 && next > groups.size()) break;
      number = next;
      ++digits;
    }
    if (digits == 0) {
      out.append('$');
      continue;
    }
    if (number >= 1 && number <= groups.size() && groups[number - 1].is_string()) {
      out.append(groups[number - 1].text());
    }
    pattern.remove_prefix(digits);
  }
}

Item replace_text(Evaluation& run, std::string_view text, std::string_view pattern, Item replacement,
                  double left) {
  TextBuilder out(run, text.size());
  for (std::size_t at = text.find(pattern); at != std::string_view::npos && left > 0 && run.charge(1);
       at = text.find(pattern), --left) {
    out.append(text.substr(0, at)).append(replacement.text());
    text.remove_prefix(at + pattern.size());
  }
  out.append(text);
  return Item::of(out.text());
}

Item replace(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  const Item pattern = arguments[1];
  const Item replacement = arguments[2];
  const Item limit = arguments[3];
  if (pattern.is_string() && pattern.text().empty()) return run.fail(Code::D3010);
  if (limit.is_number() && limit.number() < 0) return run.fail(Code::D3011, limit);
  double left = limit.is_number() ? limit.number() : INFINITY;
  const std::string_view text = arguments[0].text();
  if (pattern.is_undefined() || replacement.is_undefined()) return run.fail(Code::T0410, {}, "2");
  if (pattern.is_string() && replacement.is_string())
    return replace_text(run, text, pattern.text(), replacement, left);
  TextBuilder out(run, text.size());
  std::size_t at = 0;
  double from = 0;
  const auto add = [&](const Match& each) {
    const std::size_t begin = at + offset_of_unit(text.substr(at), each.start - from);
    out.append(text.substr(at, begin - at));
    if (replacement.is_string()) {
      append_replacement(out, replacement.text(), each);
    } else {
      Object* object = run.object(5);
      run.set(*object, "match", Item::of(each.text));
      run.set(*object, "start", Item::of(each.start));
      run.set(*object, "end", Item::of(each.end));
      run.set(*object, "groups", each.groups);
      const Item given = Item::of(object);
      const Item made = run.call(replacement, {&given, 1}, Item::null(), arguments.frame);
      if (made.is_failure()) return false;
      if (!made.is_string()) return !run.fail(Code::D3012, made).is_failure();
      out.append(made.text());
    }
    at = begin + offset_of_unit(text.substr(begin), each.end - each.start);
    from = each.end;
    return --left > 0;
  };
  if (pattern.is_string()) {
    for (std::size_t found = text.find(pattern.text()); found != std::string_view::npos && run.charge(1);
         found = text.find(pattern.text(), at)) {
      const double start = from + utf16_units(text.substr(at, found - at));
      const Match each{.text = pattern.text(), .start = start, .end = start + utf16_units(pattern.text())};
      if (left <= 0 || !add(each)) break;
    }
  } else if (left > 0) {
    for_each_match(run, arguments, pattern, arguments[0], add);
  }
  out.append(text.substr(at));
  return run.failed() ? Item::failure() : Item::of(out.text());
}

constexpr Builtin kBuiltins[] = {
    {"contains", "<s-(sf):b>", 2, contains},
    {"match", "<s-f<s:o>n?:a<o>>", 3, match},
    {"split", "<s-(sf)n?:a<s>>", 3, split},
    {"replace", "<s-(sf)(sf)n?:s>", 4, replace},
};

}  // namespace

std::span<const Builtin> match_builtins() { return kBuiltins; }

}  // namespace expr
