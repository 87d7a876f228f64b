// How much may be made of one request: templates repeat and hash what a stranger sends.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

namespace crypto {

/// Counts the bytes that are found, made and hashed for a request and all its elements, and keeps what holes
/// of templates are filled with where that is the same for each of them. Once there is a problem nothing more
/// is found or made, so whoever acts on what was looks at problem() before. Lives on one thread.
class Work {
 public:
  explicit Work(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// Of a request with a body of that length.
  static std::size_t bytes_max_of(std::size_t body_bytes) { return 16 * body_bytes + (1 << 20); }

  /// False where there is a problem, or is one now because that would be too much.
  bool take(std::size_t bytes) {
    if (has_problem()) return false;
    if (bytes > left())
      problem_ =
          "to look into it as the endpoint's scheme and paths say would take too long: its templates "
          "repeat too much of the request";
    used_ += bytes;
    return !has_problem();
  }
  /// The first problem stays.
  void give_up(std::string problem) {
    if (!has_problem()) problem_ = std::move(problem);
  }
  bool has_problem() const { return !problem_.empty(); }
  /// For whoever owns the endpoint; empty where there is none.
  const std::string& problem() const { return problem_; }
  std::size_t used() const { return used_; }
  std::size_t left() const { return used_ < bytes_max_ ? bytes_max_ - used_ : 0; }

  /// What a hole with this text is filled with; null where it has not been yet.
  const std::string* find(std::string_view hole) const {
    const auto known = made_.find(hole);
    return known == made_.end() ? nullptr : &known->second;
  }
  const std::string& keep(std::string_view hole, std::string text) {
    return made_.insert_or_assign(std::string(hole), std::move(text)).first->second;
  }

 private:
  std::size_t bytes_max_;
  std::size_t used_ = 0;
  std::string problem_{};
  std::map<std::string, std::string, std::less<>> made_{};  // does not move what it has
};

}  // namespace crypto
