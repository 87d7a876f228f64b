// Reads the members of a scheme's document and remembers what is wrong with them.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "crypto/scheme.hpp"
#include "inbound/scheme/document.hpp"

namespace inbound {

/// A word of the document, and what it stands for.
template <class T>
struct Word {
  std::string_view word;
  T value;
};

template <class T, std::size_t n>
std::string words_of(const std::array<Word<T>, n>& words) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) {
    out.append(i == 0 ? "" : i + 1 == n ? " or " : ", ").append(words[i].word);
  }
  return out;
}

/// Reads members of one object and remembers what is wrong with them.
class MemberReader {
 public:
  static constexpr std::size_t kListMax = 16;
  static constexpr std::size_t kTextBytesMax = 2000;

  MemberReader(const SchemeConfig& config, base::FieldErrors& errors) : config_(config), errors_(errors) {}

  void error(const std::string& pointer, std::string detail, std::string code = "INVALID") {
    errors_.push_back({pointer, std::move(code), std::move(detail)});
  }

  void refuse_others(const format::Value& object, const std::string& pointer,
                     std::initializer_list<std::string_view> known) {
    for (const format::Member& member : object.members()) {
      if (std::ranges::find(known, member.key) == known.end()) {
        error(pointer + "/" + std::string(member.key), "there is no such member here", "UNKNOWN_MEMBER");
      }
    }
  }

  /// The text with the endpoint's settings in it.
  std::string text(const format::Value& value, const std::string& pointer) {
    if (!value.is_string() || value.text().size() > kTextBytesMax) {
      error(pointer, "this must be a text of at most 2,000 bytes", "WRONG_TYPE");
      return {};
    }
    return with_settings(std::string(value.text()), pointer);
  }

  template <class T, std::size_t n>
  T word(const format::Value& value, const std::string& pointer, const std::array<Word<T>, n>& words) {
    const std::string given = text(value, pointer);
    const auto found = std::ranges::find(words, given, &Word<T>::word);
    if (found != words.end()) return found->value;
    error(pointer, "this is one of " + words_of(words));
    return words.front().value;
  }

  crypto::Location location(const format::Value& value, const std::string& pointer) {
    auto parsed = crypto::Location::parse(text(value, pointer));
    if (parsed) return std::move(*parsed);
    error(pointer, parsed.error().message);
    return {};
  }
  crypto::Location location(std::string_view given, const std::string& pointer) {
    auto parsed = crypto::Location::parse(with_settings(std::string(given), pointer));
    if (parsed) return std::move(*parsed);
    error(pointer, parsed.error().message);
    return {};
  }

  /// One, or a list of them.
  std::vector<crypto::Location> locations(const format::Value& value, const std::string& pointer) {
    std::vector<crypto::Location> found;
    each_of(value, pointer,
            [&](const format::Value& one, const std::string& at) { found.push_back(location(one, at)); });
    return found;
  }

  crypto::Recipe recipe(const format::Value& value, const std::string& pointer) {
    return recipe(text(value, pointer), pointer);
  }
  crypto::Recipe recipe(std::string_view given, const std::string& pointer) {
    auto parsed = crypto::Recipe::parse(given);
    if (parsed) return std::move(*parsed);
    error(pointer, parsed.error().message);
    return {};
  }

  template <class F>
  void each_of(const format::Value& value, const std::string& pointer, const F& what) {
    if (!value.is_array()) return what(value, pointer);
    if (value.elements().empty() || value.elements().size() > kListMax) {
      return error(pointer, "a list has 1 to 16 elements");
    }
    std::size_t i = 0;
    for (const format::Value& one : value.elements()) what(one, pointer + "/" + std::to_string(i++));
  }

  /// A value, or {"by": place, case: value, …}.
  template <class T, class F>
  crypto::Choice<T> choice(const format::Value& value, const std::string& pointer, const F& read) {
    crypto::Choice<T> made;
    if (!value.is_object()) {
      made.cases.emplace_back("", read(value, pointer));
      return made;
    }
    const format::Value* by = value.find("by");
    if (by == nullptr || value.members().size() < 2 || value.members().size() > kListMax) {
      error(pointer, "this is a value, or {\"by\": place, and what it is for each value of the place}");
      return made;
    }
    made.by = location(*by, pointer + "/by");
    for (const format::Member& member : value.members()) {
      if (member.key == "by") continue;
      const std::string at = pointer + "/" + std::string(member.key);
      // Several cases may share one text: "A|B".
      for (std::string_view rest = member.key; !rest.empty();) {
        const std::size_t bar = std::min(rest.find('|'), rest.size());
        made.cases.emplace_back(std::string(rest.substr(0, bar)), read(member.value, at));
        rest.remove_prefix(std::min(bar + 1, rest.size()));
      }
    }
    return made;
  }

 private:
  std::string with_settings(std::string text, const std::string& pointer) {
    constexpr std::string_view kOpen = "{config:";
    for (std::size_t at = text.find(kOpen); at != std::string::npos; at = text.find(kOpen, at)) {
      const std::size_t end = text.find('}', at);
      if (end == std::string::npos) {
        error(pointer, "a setting is written {config:NAME} or {config:NAME|otherwise}");
        return {};
      }
      const std::string inside = text.substr(at + kOpen.size(), end - at - kOpen.size());
      const std::size_t bar = inside.find('|');
      const auto found = config_.find(inside.substr(0, bar));
      if (found == config_.end() && bar == std::string::npos) {
        error(pointer, "the endpoint must say what '" + inside + "' is, in signature_config", "REQUIRED");
        return {};
      }
      const std::string value = found != config_.end() ? found->second : inside.substr(bar + 1);
      text.replace(at, end + 1 - at, value);
      at += value.size();
    }
    return text;
  }

  const SchemeConfig& config_;
  base::FieldErrors& errors_;
};

}  // namespace inbound
