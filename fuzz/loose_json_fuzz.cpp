// Any bytes as what senders take for JSON: whatever is read is strict JSON as it is written, and strict JSON
// is read as it is.
#include "base/assert.hpp"
#include "format/json.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto loose = format::parse_loose_json(text);
  const auto strict = format::parse_json(text);
  if (!loose) {
    XD_ASSERT(!strict && !loose.error().message.empty());
    return 0;
  }
  const std::string raw(loose->root().raw());
  const auto again = format::parse_json(raw, {.depth_max = format::kLooseJsonDepthMax});
  XD_ASSERT(again && again->root().raw() == raw && format::same_value(again->root(), loose->root()));
  XD_ASSERT(!strict || strict->root().raw() == raw);
  return 0;
}
