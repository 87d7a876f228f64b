// What a fallible function returns: a value or an Error of a closed set of codes.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

/// Every way in which something can fail, as callers distinguish it. Mapped to HTTP statuses in api/ only.
enum class Code : std::uint8_t {
  invalid,          ///< the input breaks a rule; saying it again will not help
  unauthenticated,  ///< nobody is known to be speaking
  forbidden,        ///< somebody is, but may not
  not_found,
  conflict,      ///< the state does not allow it, or the name is taken
  too_large,     ///< a limit of size or count
  limited,       ///< too many at once; later it will work
  circuit_open,  ///< the outside system is known to be down
  timeout,
  unavailable,  ///< a part of ours is not able now: store, disk, draining
  upstream,     ///< the outside system failed
  cancelled,
  corrupt,  ///< stored data is not what was written
  internal
};

/// "not_found" for Code::not_found: the word used in logs and metrics.
std::string_view name(Code code);

/// One refused member of an input; pointer is a JSON pointer in fragment form ("#/url"), detail says what to
/// do.
struct FieldError {
  std::string pointer;
  std::string code;
  std::string detail;
  bool operator==(const FieldError&) const = default;
};

/// All that is wrong with an input: the first hundred, and how many more there are. Whoever sends a hundred
/// thousand wrong members gets a short answer.
class FieldErrors {
 public:
  static constexpr std::size_t kMost = 100;

  void push_back(FieldError error) {
    if (first_.size() < kMost) {
      first_.push_back(std::move(error));
    } else {
      ++more_;
    }
  }
  /// Those of another, behind these.
  void append(FieldErrors other) {
    for (FieldError& error : other.first_) push_back(std::move(error));
    more_ += other.more_;
  }
  /// Keeps so many; the others are counted only.
  void cut(std::size_t most) {
    if (first_.size() <= most) return;
    more_ += first_.size() - most;
    first_.resize(most);
  }

  bool empty() const { return first_.empty() && more_ == 0; }
  std::size_t size() const { return first_.size(); }
  /// How many were left out.
  std::size_t more() const { return more_; }
  auto begin() { return first_.begin(); }
  auto end() { return first_.end(); }
  auto begin() const { return first_.begin(); }
  auto end() const { return first_.end(); }
  const FieldError& front() const { return first_.front(); }
  const FieldError& operator[](std::size_t i) const { return first_[i]; }
  bool operator==(const FieldErrors&) const = default;

 private:
  std::vector<FieldError> first_{};
  std::size_t more_ = 0;
};

/// A failure. message says what failed, with which id, and what to do; it never holds a secret. reason is the
/// stable UPPER_SNAKE word of the API where the code alone does not say enough ("STORAGE_FULL"), else empty.
struct Error {
  Code code = Code::internal;
  std::string message{};
  std::string reason{};
  FieldErrors fields{};
  /// The message is for the log: it tells what the store said, or how the program is made. Whoever asked is
  /// told the code and the reason only.
  bool internal = false;

  /// True where the same call may succeed later without anybody changing anything.
  bool retryable() const;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

inline std::unexpected<Error> fail(Code code, std::string message, std::string reason) {
  return std::unexpected(Error{code, std::move(message), std::move(reason)});
}

}  // namespace base

#define XD_CONCAT_(a, b) a##b
#define XD_CONCAT(a, b) XD_CONCAT_(a, b)

/// XD_TRY(auto x, f()); declares x from the value of f(), or returns its error. One per line.
#define XD_TRY(declaration, expression)                                         \
  auto XD_CONCAT(xd_result_, __LINE__) = (expression);                          \
  if (!XD_CONCAT(xd_result_, __LINE__))                                         \
    return std::unexpected(std::move(XD_CONCAT(xd_result_, __LINE__)).error()); \
  declaration = std::move(*XD_CONCAT(xd_result_, __LINE__))

/// XD_DO(f()); the same for a Result<void>, or where the value is not wanted.
#define XD_DO(expression)                                                                                   \
  do {                                                                                                      \
    if (auto xd_result_ = (expression); !xd_result_) return std::unexpected(std::move(xd_result_).error()); \
  } while (false)

/// The same two inside a coroutine.
#define XD_CO_TRY(declaration, expression)                                         \
  auto XD_CONCAT(xd_result_, __LINE__) = (expression);                             \
  if (!XD_CONCAT(xd_result_, __LINE__))                                            \
    co_return std::unexpected(std::move(XD_CONCAT(xd_result_, __LINE__)).error()); \
  declaration = std::move(*XD_CONCAT(xd_result_, __LINE__))

#define XD_CO_DO(expression)                                    \
  do {                                                          \
    if (auto xd_result_ = (expression); !xd_result_)            \
      co_return std::unexpected(std::move(xd_result_).error()); \
  } while (false)
