// Many requests by a few connections at a time: for filling a server, where the answers' latency does not
// matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "hub/http_client.hpp"

namespace bench {

/// Calls `work` for each number below `count`, by a few threads with a connection each; in no order. Returns
/// when all have ended; throws the first exception that one has thrown, and begins nothing more after it.
void in_parallel(std::uint16_t port, std::size_t count,
                 const std::function<void(HttpClient& client, std::size_t number)>& work);

}  // namespace bench
