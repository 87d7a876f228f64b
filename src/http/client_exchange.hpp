// One exchange of the client: a request on its way, the answer as it arrives, and what its end means.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/task.hpp"
#include "http/client.hpp"
#include "http/client_sockets.hpp"

struct curl_slist;

namespace http {

/// curl and the timers of the event loop live by the machine's clock, so the client can live by no other.
inline base::Steady steady_now() { return base::SystemClock().steady(); }

/// What all exchanges of a client share. Handles are curl's easy handles, as pointers to void so that curl's
/// header stays out of ours.
struct ExchangeContext {
  const EgressGuard& guard;
  SocketSet& sockets;
  std::string ca_file{};
};

/// Lives in the frame of Client::send. Between bind() and conclude() curl holds pointers into it.
class Exchange {
 public:
  /// A new easy handle with the options that never change; null without memory.
  static void* make_handle(ExchangeContext& context);
  static void free_handle(void* handle);

  Exchange(OutboundRequest request, ExchangeContext& context);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const OutboundRequest& request() const { return request_; }
  base::Deadline deadline() const { return deadline_; }
  void* handle() const { return handle_; }

  /// Why the request cannot be sent at all; "" where it can.
  std::string problem() const;

  /// Puts the request into the handle, which belongs to the exchange until released.
  void bind(void* handle);

  /// Reads the outcome of the transfer (a CURLcode) into the response.
  void conclude(int curl_code);
  /// Ends it without, or before, an outcome.
  void fail(Failure failure, std::string why);
  /// Takes every pointer to this out of the handle and gives it back; null where none was bound.
  void* release();

  OutboundResponse take_response() {
    response_.sendings = sendings_;
    return std::move(response_);
  }

  /// Where the client keeps it among the running exchanges.
  std::size_t index = 0;
  base::Waiter<bool> ended;

 private:
  struct Callbacks;
  enum class Reading : std::uint8_t { status_line, header, body };

  void bind_method();
  void bind_headers();
  void bind_tls();
  void unbind_tls();
  // The callbacks' work; false ends the transfer.
  bool read_header_line(std::string_view line);
  bool read_status_line(std::string_view line);
  bool read_field(std::string_view line);
  bool end_header();
  bool read_body(std::string_view bytes);
  bool stop(Failure failure, std::string why);
  bool may_send();
  int open_socket(const asio::ip::address& address, std::uint16_t port);
  void read_timings();
  Failure classify(int curl_code) const;
  Failure classify_timeout() const;

  OutboundRequest request_;
  OutboundResponse response_;
  ExchangeContext& context_;
  base::Steady begun_;
  base::Deadline deadline_;
  std::chrono::microseconds waited_{0};  // for a free connection, before curl's own clock began
  void* handle_ = nullptr;
  std::unique_ptr<curl_slist[]> header_list_;
  std::list<std::string> rewritten_headers_;
  Reading reading_ = Reading::status_line;
  int status_ = 0;  // of the block being read, also of an interim answer
  std::size_t header_bytes_ = 0;
  int sendings_ = 0;                 // how often the request was begun to be written to a connection
  bool connecting_ = false;          // a socket was opened for this exchange
  std::optional<Failure> unopened_;  // why a socket was not opened, and in words
  std::string unopened_why_;
  std::optional<Failure> stopped_;      // a callback has ended the transfer with this outcome
  std::array<char, 256> curl_error_{};  // CURL_ERROR_SIZE
};

}  // namespace http
