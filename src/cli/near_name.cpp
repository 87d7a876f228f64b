#include "cli/near_name.hpp"

#include <algorithm>

namespace cli {

namespace {

/// Typing errors between two words: the optimal string alignment distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> least(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) least[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) least[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t other = a[i - 1] == b[j - 1] ? 0 : 1;
      least[i][j] = std::min({least[i - 1][j] + 1, least[i][j - 1] + 1, least[i - 1][j - 1] + other});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) least[i][j] = std::min(least[i][j], least[i - 2][j - 2] + 1);
    }
  }
  return least[a.size()][b.size()];
}

}  // namespace

std::string near_name(std::string_view word, const std::vector<std::string>& names) {
  constexpr std::size_t kWordMax = 40;
  if (word.size() > kWordMax) return "";
  std::string nearest;
  std::size_t errors = std::max<std::size_t>(1, (word.size() + 1) / 3) + 1;
  for (const std::string& name : names) {
    const std::size_t of_this = distance(word, name);
    if (of_this >= errors) continue;
    errors = of_this;
    nearest = name;
  }
  return nearest;
}

}  // namespace cli
