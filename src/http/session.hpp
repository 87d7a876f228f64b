// One connection of the server: reads requests one after the other and answers them in order.
#pragma once

#include "http/server.hpp"

namespace http {

/// Serve the connection to its end. Requests that were sent ahead (pipelining) wait in the buffer for their
/// turn.
asio::awaitable<void> serve_plain(Server& server, asio::ip::tcp::socket socket, std::string remote_ip,
                                  const Admission& admission);
asio::awaitable<void> serve_tls(Server& server, asio::ip::tcp::socket socket, std::string remote_ip,
                                const Admission& admission);

}  // namespace http
