// The words that stand for the values of an enum, in the API and in the store: one table beside each enum.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

template <class E>
struct Word {
  E value;
  std::string_view text;
};

/// An enum has words where words_of(E) beside it gives its table, a range of Word<E>.
template <class E>
concept Worded = std::is_enum_v<E> && requires(E value) { words_of(value); };

template <Worded E>
constexpr std::string_view name(E value) {
  for (const auto& word : words_of(value)) {
    if (word.value == value) return word.text;
  }
  return {};
}

template <Worded E>
constexpr std::optional<E> parse_word(std::string_view text) {
  for (const auto& word : words_of(E{})) {
    if (word.text == text) return word.value;
  }
  return std::nullopt;
}

/// "ACTIVE, PAUSED or FAILED".
template <Worded E>
std::string all_words() {
  std::string all;
  const auto& words = words_of(E{});
  const std::size_t count = std::size(words);
  std::size_t at = 0;
  for (const auto& word : words) {
    if (at > 0) all += at + 1 == count ? " or " : ", ";
    all += word.text;
    ++at;
  }
  return all;
}

}  // namespace base
