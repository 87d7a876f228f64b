// The bytes of one connection: read within limits of time, written as the peer takes them.
#pragma once

#include <array>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "base/metrics.hpp"
#include "http/server.hpp"

namespace http {

/// While it lives, its connection waits for the peer, and may have to give way to a newer one.
class PeerWait {
 public:
  PeerWait(Connection& connection, Connection::Waits waits)
      : connection_(connection), before_(std::exchange(connection.waits, waits)) {}
  ~PeerWait() { connection_.waits = before_; }
  PeerWait(const PeerWait&) = delete;
  PeerWait& operator=(const PeerWait&) = delete;

 private:
  Connection& connection_;
  Connection::Waits before_;
};

template <class Stream>
class Wire : public Connection {
 public:
  Wire(Server& server, Stream stream, const Admission& admission)
      : server_(server), stream_(std::move(stream)) {
    of_address = admission.of_address;
    in_reserve = admission.in_reserve;
    server_.opened(*this);
  }
  ~Wire() override { server_.closed(*this); }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  Stream& stream() { return stream_; }

  void expire() override {
    // A peer that takes nothing cannot be told: the second time there is nothing left to try.
    if (refusing_) return cut_off();
    expired_ = true;
    cancel();
  }

  void cut_off() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

  void give_way() override {
    waits = Waits::nothing;
    gives_way = true;
    cut_off();
  }

  void within(std::chrono::steady_clock::duration span) {
    since = base::steady_now();
    deadline = since + span;
  }

 protected:
  static constexpr std::size_t kReadBytes = 8 << 10;
  static constexpr std::size_t kReadBytesMax = 64 << 10;
  /// What a connection keeps of its buffers while it waits for the next request.
  static constexpr std::size_t kKeptBytes = 16 << 10;

  void cancel() {
    boost::system::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }

  /// On TLS the end is told (RFC 8446 §6.1), so that nobody takes it for one that somebody else has made.
  asio::awaitable<void> say_nothing_more() {
    if constexpr (!std::is_same_v<Stream, asio::ip::tcp::socket>) {
      if (said_ || !stream_.lowest_layer().is_open()) co_return;
      said_ = true;
      refusing_ = true;
      within(std::chrono::seconds{1});
      const PeerWait wait(*this, Waits::rest);
      boost::system::error_code ignored;
      co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  /// More at a time from a peer that has much to send at once.
  asio::awaitable<boost::system::error_code> read_some() {
    boost::system::error_code error;
    const std::size_t count = co_await stream_.async_read_some(
        buffer_.prepare(read_bytes_), asio::redirect_error(asio::use_awaitable, error));
    buffer_.commit(count);
    read_bytes_ = count < read_bytes_ ? kReadBytes : std::min(2 * read_bytes_, kReadBytesMax);
    co_return error;
  }

  /// Nobody asks for what it holds for the next request.
  void drop_buffers() {
    if (head_.capacity() > kKeptBytes) head_ = {};
    buffer_.shrink_to_fit();
  }

  void begin_head(const Response& response) {
    head_.clear();
    head_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    head_.append(reason_phrase(response.status)).append("\r\nDate: ").append(server_.date());
    if ((!response.body.empty() || response.stream) && !is_bodiless(response.status)) {
      head_.append("\r\nContent-Type: ").append(response.content_type);
    }
    for (const auto& [name, value] : response.headers)
      head_.append("\r\n").append(name).append(": ").append(value);
  }

  asio::awaitable<bool> respond(const Response& response, bool keep, bool head_only) {
    begin_head(response);
    // A body where none may be would be the beginning of the next answer to whoever reads.
    const std::string_view body = is_bodiless(response.status) ? std::string_view() : response.body;
    if (response.status != 204 && response.status != 304) {
      head_.append("\r\nContent-Length: ").append(std::to_string(body.size()));
    }
    if (!keep) head_.append("\r\nConnection: close");
    if (keep && speaks_1_0_) head_.append("\r\nConnection: keep-alive");
    head_.append("\r\n\r\n");
    if (head_only) co_return !co_await write_raw(head_);
    // One piece where it is short, because that is one call; a long one is not copied.
    if (body.size() <= kKeptBytes) {
      head_.append(body);
      co_return co_await write_answer({asio::buffer(head_), asio::const_buffer()});
    }
    co_return co_await write_answer({asio::buffer(head_), asio::buffer(body)});
  }

  /// As the peer takes it: one that takes nothing for kWriteDeadline is cut off. What is long, or is not
  /// taken at once, counts among the answers under way.
  asio::awaitable<bool> write_answer(std::array<asio::const_buffer, 2> parts) {
    std::optional<ByteBudget::Share> share;
    if (asio::buffer_size(parts) > kKeptBytes && !charge_answer(share, asio::buffer_size(parts)))
      co_return false;
    const PeerWait wait(*this, Waits::rest);
    while (true) {
      within(base::limits::kWriteDeadline);
      boost::system::error_code error;
      std::size_t count =
          co_await stream_.async_write_some(parts, asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return false;
      for (asio::const_buffer& part : parts) {
        const std::size_t taken = std::min(count, part.size());
        part += taken;
        count -= taken;
      }
      const std::size_t left = asio::buffer_size(parts);
      if (left == 0) co_return true;
      if (!share && !charge_answer(share, left)) co_return false;
    }
  }

  /// False where there is no room for it.
  bool charge_answer(std::optional<ByteBudget::Share>& share, std::size_t bytes) {
    share.emplace(server_.answers(), payer_, [this] {
      server_series().answers_cut.add();
      cut_off();
    });
    if (share->take(bytes)) return true;
    server_series().answers_cut.add();
    return false;
  }

  /// Answers a request that has not been read to its end, and ends.
  asio::awaitable<void> respond_and_end(Response response, bool head_only) {
    refusing_ = true;
    co_await respond(response, /*keep=*/false, head_only);
    // Let the peer read the answer before the rest of what it sends makes the kernel reset the connection.
    co_await say_nothing_more();
    boost::system::error_code ignored;
    stream_.lowest_layer().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    within(std::chrono::seconds{1});
    const PeerWait wait(*this, Waits::rest);
    buffer_.clear();
    for (std::size_t discarded = 0; discarded < (1 << 20); buffer_.clear()) {
      if (co_await read_some() || !server_.may_discard(buffer_.size())) break;
      discarded += buffer_.size();
    }
  }

  /// Returns the error, if any.
  asio::awaitable<boost::system::error_code> write_raw(std::string_view bytes) {
    within(base::limits::kWriteDeadline);
    const PeerWait wait(*this, Waits::rest);
    boost::system::error_code error;
    co_await asio::async_write(stream_, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return error;
  }

  Server& server_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;
  std::string head_;
  Payer payer_ = 0;  ///< of what is answered
  bool speaks_1_0_ = false;
  bool expired_ = false;
  bool refusing_ = false;

 private:
  std::size_t read_bytes_ = kReadBytes;
  bool said_ = false;
};

}  // namespace http
