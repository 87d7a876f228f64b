// How an endpoint tells what is sent again from what is new.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace inbound {

/// off: nothing is a repeat. id: what has the sender's id of an earlier one; without an id nothing is.
/// content: what is like an earlier one in all that tells events apart (content_key.hpp), whatever its id.
/// body: what has the body of an earlier one, whatever stands around it. None of them: by the id, or by the
/// content where there is none.
enum class Dedup : std::uint8_t { off, id, content, body };

std::string_view name(Dedup dedup);
std::optional<Dedup> parse_dedup(std::string_view text);

}  // namespace inbound
