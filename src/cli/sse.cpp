#include "cli/sse.hpp"

#include <utility>

namespace cli {

bool SseReader::feed(std::string_view bytes, const std::function<bool(const SseMessage&)>& take) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    line_.append(bytes.substr(0, end));
    if (end == std::string_view::npos) return true;
    bytes.remove_prefix(end + 1);
    if (line_.ends_with('\r')) line_.pop_back();
    const std::string line = std::exchange(line_, {});
    if (!line.empty()) {
      field(line);
      continue;
    }
    const SseMessage message = std::exchange(message_, {});
    if (std::exchange(any_, false) && !take(message)) return false;
  }
  return true;
}

void SseReader::field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "id") message_.id = value;
  if (name == "event") message_.event = value;
  if (name == "data") {
    if (!message_.data.empty()) message_.data += '\n';
    message_.data += value;
  }
  any_ = any_ || name == "id" || name == "data";
}

}  // namespace cli
