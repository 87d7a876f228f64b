// Bodies in content codings (RFC 9110, 8.4), as they were before.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace format {

struct CodingLimits {
  std::size_t bytes_max = 0;    ///< of what comes out, after each coding
  std::size_t ratio_max = 200;  ///< of what comes out to what goes in, where that is over 64 KiB
  std::size_t codings_max = 2;  ///< one over another
};

/// Takes the codings of a Content-Encoding header (names in any case, the one applied first first) from a
/// body: gzip (also of several members), deflate (with or without its zlib frame, for senders disagree), br,
/// zstd; identity is none. Errors: invalid, naming an unknown coding, or what is wrong and at which byte;
/// too_large, over one of the limits. Takes as much memory as what comes out, and besides its window:
/// at most 8 MiB, of br 16 MiB.
base::Result<std::string> decode_content(std::string_view codings, std::string_view bytes,
                                         CodingLimits limits);

/// A body to look at, without its codings as far as that goes.
struct DecodedBeginning {
  std::string text{};
  bool whole = true;  ///< false: there may be more, or what follows is broken
};
/// The first bytes_max bytes of what decode_content() gives, also of a body that is cut off or broken further
/// behind. Nothing where none of it can be read.
std::optional<DecodedBeginning> decode_beginning(std::string_view codings, std::string_view bytes,
                                                 std::size_t bytes_max);

}  // namespace format
