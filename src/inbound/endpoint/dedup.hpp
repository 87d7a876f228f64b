// How an endpoint tells what is sent again from what is new.
#pragma once

#include <cstdint>
#include <span>

#include "base/words.hpp"

namespace inbound {

/// off: nothing is a repeat. id: what has the sender's id of an earlier one; without an id nothing is.
/// content: what is like an earlier one in all that tells events apart (content_key.hpp), whatever its id.
/// body: what has the body of an earlier one, whatever stands around it. None of them: by the id, or by the
/// content where there is none.
enum class Dedup : std::uint8_t { off, id, content, body };

inline constexpr base::Word<Dedup> kDedups[] = {
    {Dedup::off, "off"}, {Dedup::id, "id"}, {Dedup::content, "content"}, {Dedup::body, "body"}};
constexpr std::span<const base::Word<Dedup>> words_of(Dedup) { return kDedups; }

}  // namespace inbound
