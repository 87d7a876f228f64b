// Any bytes as a body in a content coding: what comes out is within its limits, or an error that says
// something.
#include "format/coding.hpp"

#include "base/assert.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr const char* kCodings[] = {"gzip", "deflate", "br", "zstd", "gzip, br", "zstd,deflate"};
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto decoded =
      format::decode_content(kCodings[data[0] % std::size(kCodings)], bytes, {.bytes_max = 1 << 20});
  XD_ASSERT(decoded ? decoded->size() <= 1 << 20 : !decoded.error().message.empty());
  return 0;
}
