// A text that grows in the arena of an evaluation.
#pragma once

#include <cstring>
#include <string_view>

#include "expr/evaluation.hpp"
#include "format/utf8.hpp"

namespace expr {

/// Where there is no more memory it stops growing, and the evaluation has failed.
class TextBuilder {
 public:
  explicit TextBuilder(Evaluation& evaluation, std::size_t capacity = 64)
      : evaluation_(evaluation),
        begin_(evaluation.bytes(capacity)),
        capacity_(begin_ == nullptr ? 0 : capacity) {}

  TextBuilder& append(std::string_view text) {
    if (text.size() > capacity_ - size_ && !grow(text.size())) return *this;
    if (!text.empty()) std::memcpy(begin_ + size_, text.data(), text.size());
    size_ += text.size();
    return *this;
  }
  TextBuilder& append(char c) { return append(std::string_view(&c, 1)); }
  TextBuilder& append_code_point(std::uint32_t code_point) {
    char bytes[4];
    return append(std::string_view(bytes, format::write_utf8(bytes, code_point)));
  }
  TextBuilder& append_repeated(std::string_view text, std::size_t times) {
    if (!text.empty() && times > 0 && text.size() * times > capacity_ - size_ && !grow(text.size() * times))
      return *this;
    for (std::size_t i = 0; i < times; ++i) append(text);
    return *this;
  }

  std::string_view text() const { return {begin_, size_}; }
  std::size_t size() const { return size_; }

 private:
  bool grow(std::size_t more) {
    const std::size_t capacity = std::max(capacity_ * 2, size_ + more);
    char* const grown = evaluation_.bytes(capacity);
    if (grown == nullptr) return false;
    if (size_ > 0) std::memcpy(grown, begin_, size_);
    begin_ = grown;
    capacity_ = capacity;
    return true;
  }

  Evaluation& evaluation_;
  char* begin_;
  std::size_t capacity_;
  std::size_t size_ = 0;
};

}  // namespace expr
