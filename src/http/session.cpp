#include "http/session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <charconv>
#include <ranges>

#include "base/log.hpp"
#include "http/request_head.hpp"
#include "http/wire.hpp"

namespace http {

namespace {

namespace beast = boost::beast;
using asio::ip::tcp;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr const char* kGone = "the connection ended before the body was whole";

/// Whether a streamed body has come to its end; outlives its connection in posts that are under way.
struct StreamEnd {
  bool over = false;
  std::function<void()> hook{};

  void end() {
    over = true;
    if (const auto call = std::exchange(hook, nullptr)) call();
  }
};

template <class Stream>
class Session final : public Wire<Stream>, private BodyReader, private BodyWriter {
  using Base = Wire<Stream>;
  using Base::buffer_;
  using Base::cancel;
  using Base::deadline;
  using Base::expired_;
  using Base::payer_;
  using Base::read_some;
  using Base::respond;
  using Base::respond_and_end;
  using Base::server_;
  using Base::speaks_1_0_;
  using Base::stream_;
  using Base::write_raw;
  using typename Base::Waits;

 public:
  using Base::within;

  Session(Server& server, Stream stream, std::string remote_ip, const Admission& admission)
      : Base(server, std::move(stream), admission), remote_ip_(std::move(remote_ip)) {}

  void drain() override {
    // By a post: the producer, and this connection with it, may end on the stack of who calls.
    if (stream_end_) asio::post(stream_.get_executor(), [end = stream_end_] { end->end(); });
    if (idle_) cancel();
  }

  asio::awaitable<void> run() {
    while (co_await one_request()) {
    }
    co_await this->say_nothing_more();
    boost::system::error_code ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
  }

 private:
  /// Reads a request and answers it; false ends the connection.
  asio::awaitable<bool> one_request() {
    line_begun_ = false;
    if (buffer_.size() == 0 && !co_await wait_for_first_byte()) co_return false;
    RequestParser parser;
    parser.header_limit(base::limits::kHeaderBytesMax);
    parser.body_limit(boost::none);  // a head that says too much is read to its end, and checked then
    std::optional<Refusal> refusal = co_await read_header(parser);
    if (!refusal) refusal = check_head(parser, server_.options().body_bytes_max);
    parser.body_limit(server_.options().body_bytes_max);
    const bool head_only = parser.get().method() == beast::http::verb::head;
    if (refusal) {
      if (refusal->status == 413 && server_.application().too_large)
        server_.application().too_large(request_of(parser));
      co_await refuse(*refusal, head_only);
      co_return false;
    }
    speaks_1_0_ = parser.get().version() < 11;
    parser_ = &parser;
    body_state_ = parser.is_done() ? BodyState::read : BodyState::unread;
    failure_.reset();
    payer_ = 0;
    deadline = base::Deadline::max();
    const bool kept = co_await respond_to(parser, head_only);
    body_share_.reset();
    co_return kept;
  }

  /// Lets the program answer the request whose head has been read; false ends the connection.
  asio::awaitable<bool> respond_to(RequestParser& parser, bool head_only) {
    const bool keep = parser.get().keep_alive() && !server_.draining();
    Response response = co_await answer(request_of(parser));
    if (failure_) {
      co_await refuse(*failure_, head_only);
      co_return false;
    }
    if (response.stream && !is_bodiless(response.status)) {
      co_await produce(response, head_only);
      co_return false;
    }
    const bool whole = body_state_ == BodyState::read;
    const bool keep_after = keep && !server_.draining() && !server_.crowded() && (whole || can_skip(parser));
    if (!whole && !keep_after) {
      co_await respond_and_end(std::move(response), head_only);
      co_return false;
    }
    if (!co_await respond(response, keep_after, head_only) || !keep_after) co_return false;
    co_return whole || co_await skip_body(parser);
  }

  asio::awaitable<bool> wait_for_first_byte() {
    if (server_.draining()) co_return false;
    this->drop_buffers();
    within(base::limits::kIdleDeadline);
    idle_ = true;
    const PeerWait wait(*this, Waits::request);
    boost::system::error_code error;
    // On TLS there may be bytes that no socket tells of.
    if constexpr (std::is_same_v<Stream, tcp::socket>) {
      co_await stream_.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, error));
    }
    const bool came = !error && !co_await read_some();
    idle_ = false;
    co_return came;
  }

  asio::awaitable<std::optional<Refusal>> read_header(RequestParser& parser) {
    within(base::limits::kHeaderDeadline);
    const PeerWait wait(*this, Waits::rest);
    while (!parser.is_header_done()) {
      skip_empty_lines();
      if (!line_begun_) {
        if (co_await read_some()) co_return cut_short("the header did not arrive within 10 s");
        continue;
      }
      boost::system::error_code error;
      const std::string_view seen(static_cast<const char*>(buffer_.data().data()), buffer_.size());
      const bool other_version = names_another_version(seen);
      if (has_folded_line(seen)) co_return Refusal{400, "a header line must not go on in the next one"};
      buffer_.consume(parser.put(buffer_.data(), error));
      if (error == beast::http::error::bad_version && other_version) {
        co_return Refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken"};
      }
      if (error && error != beast::http::error::need_more) co_return refusal_of(error);
      if (parser.is_header_done()) break;
      if (buffer_.size() > base::limits::kHeaderBytesMax)
        co_return refusal_of(beast::http::error::header_limit);
      if (co_await read_some()) co_return cut_short("the header did not arrive within 10 s");
    }
    co_return std::nullopt;
  }

  /// Before a request line they mean nothing (RFC 9112 §2.2).
  void skip_empty_lines() {
    if (line_begun_) return;
    const auto* text = static_cast<const char*>(buffer_.data().data());
    std::size_t count = 0;
    while (count + 1 < buffer_.size() && text[count] == '\r' && text[count + 1] == '\n') count += 2;
    line_begun_ = count + 1 < buffer_.size() || (count < buffer_.size() && text[count] != '\r');
    buffer_.consume(count);
  }

  Refusal cut_short(const char* detail) const { return expired_ ? Refusal{408, detail} : Refusal{}; }

  base::Task<std::string> read(Payer payer) override {
    XD_ASSERT(!body_share_);
    payer_ = payer;
    if (body_state_ == BodyState::read) co_return std::string();
    body_state_ = BodyState::begun;
    body_share_.emplace(server_.bodies(), payer, [this] {
      gave_way_ = true;
      cancel();
    });
    failure_ = co_await read_body(*parser_);
    deadline = base::Deadline::max();
    if (failure_) {
      std::string().swap(parser_->get().body());  // while the peer is told, nothing of it is held
      body_share_.reset();
      co_return base::fail(code_of(*failure_), failure_->status == 0 ? kGone : failure_->detail);
    }
    body_share_->settle();
    body_state_ = BodyState::read;
    co_return std::move(parser_->get().body());
  }

  static base::Code code_of(const Refusal& refusal) {
    switch (refusal.status) {
      case 408: return base::Code::timeout;
      case 413: return base::Code::too_large;
      case 503: return base::Code::unavailable;
      default: return base::Code::cancelled;
    }
  }

  asio::awaitable<std::optional<Refusal>> read_body(RequestParser& parser) {
    within(base::limits::kBodyDeadline);
    const PeerWait wait(*this, Waits::rest);
    const std::string_view expected(parser.get()[beast::http::field::expect]);
    if (parser.get().version() >= 11 && equals_ignoring_case(expected, "100-continue") &&
        buffer_.size() == 0) {
      if (co_await write_raw(kContinue)) co_return Refusal{};
      within(base::limits::kBodyDeadline);
    }
    parser.eager(true);
    // Within quotes Beast takes anything, and others take a line feed there for the end of the line.
    auto refuse_controls = [](std::uint64_t, beast::string_view extension, boost::system::error_code& error) {
      const bool plain = std::ranges::none_of(
          extension, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; });
      if (!plain) error = beast::http::error::bad_chunk_extension;
    };
    parser.on_chunk_header(refuse_controls);
    // The shortest end of chunks, which Beast asserts to be given whole when it has seen the beginning.
    const auto waits_for_end = [&] {
      return parser.chunked() && buffer_.size() < 5 &&
             *static_cast<const char*>(buffer_.data().data()) == '0';
    };
    while (!parser.is_done()) {
      boost::system::error_code error;
      if (buffer_.size() > 0 && !waits_for_end()) {
        buffer_.consume(parser.put(buffer_.data(), error));
        if (error && error != beast::http::error::need_more) co_return refusal_of(error);
        if (gave_way_ || !body_share_->take(parser.get().body().capacity() - body_share_->bytes())) {
          co_return too_much_under_way();
        }
        if (parser.is_done()) break;
      }
      if (buffer_.size() > base::limits::kHeaderBytesMax)
        co_return Refusal{400, "a chunk header is too long"};
      if (co_await read_some()) {
        co_return gave_way_ ? too_much_under_way() : cut_short("the body did not arrive within 30 s");
      }
    }
    co_return std::nullopt;
  }

  static Refusal too_much_under_way() {
    server_series().bodies_refused.add();
    return {503, "the bodies of your requests under way take too much room; send fewer at once, or faster"};
  }

  /// Whether an unread body can be passed over, so that the connection can be kept. A peer that waits to be
  /// asked for it may never send it.
  bool can_skip(const RequestParser& parser) const {
    const auto length = parser.content_length();
    return body_state_ == BodyState::unread && length && *length <= base::limits::kSkippedBodyBytesMax &&
           parser.get().count(beast::http::field::expect) == 0;
  }

  /// Reads an unread body and keeps nothing of it; false where it does not come.
  asio::awaitable<bool> skip_body(const RequestParser& parser) {
    within(base::limits::kBodyDeadline);
    const PeerWait wait(*this, Waits::rest);
    for (std::uint64_t left = *parser.content_length(); left > 0;) {
      if (buffer_.size() == 0 && co_await read_some()) co_return false;
      const std::size_t count = std::min<std::uint64_t>(left, buffer_.size());
      buffer_.consume(count);
      left -= count;
    }
    co_return true;
  }

  Request request_of(const RequestParser& parser) {
    const auto& message = parser.get();
    const auto target =
        read_request_target(std::string_view(message.method_string()), std::string_view(message.target()));
    Request request;
    request.method = std::string_view(message.method_string());
    request.set_target(target->origin_form);
    request.headers.reserve(static_cast<std::size_t>(std::distance(message.begin(), message.end())));
    for (const auto& field : message) {
      request.headers.emplace_back(std::string_view(field.name_string()), std::string_view(field.value()));
      // What the absolute form says counts, whatever the field says (RFC 9112 §3.2.2).
      if (field.name() == beast::http::field::host && !target->authority.empty())
        request.headers.back().second = target->authority;
    }
    request.remote_ip = remote_ip_;
    request.crowded = this->in_reserve && server_.crowded();
    return request;
  }

  asio::awaitable<Response> answer(Request request) {
    std::exception_ptr thrown;
    try {
      co_return co_await server_.application().answer(std::move(request), *this);
    } catch (...) {  // edge: a request's bug is its own
      thrown = std::current_exception();
    }
    base::report_uncaught("http request", thrown);
    co_return server_.application().refuse(500, "this is a defect of the server; its log has the details");
  }

  asio::awaitable<void> refuse(const Refusal& refusal, bool head_only) {
    if (refusal.status == 0) co_return;
    co_await respond_and_end(server_.application().refuse(refusal.status, refusal.detail), head_only);
  }

  /// Sends the header and lets the response produce its body.
  asio::awaitable<void> produce(const Response& response, bool head_only) {
    this->begin_head(response);
    if (!speaks_1_0_) this->head_.append("\r\nTransfer-Encoding: chunked");
    this->head_.append("\r\nConnection: close\r\n\r\n");
    if (co_await write_raw(this->head_) || head_only) co_return;
    deadline = base::Deadline::max();
    server_series().streams.add(1);
    stream_end_ = std::make_shared<StreamEnd>();
    stream_end_->over = server_.draining();
    base::Waiter<bool> watch_ended;
    bool watching = true;
    asio::co_spawn(stream_.get_executor(), watch_peer(), [&](const std::exception_ptr&) {
      watching = false;
      watch_ended.give(true);
    });
    if (!co_await produce_body(response)) broken_ = true;
    stream_end_->hook = nullptr;
    stream_end_->end();
    if (!broken_ && !speaks_1_0_) co_await write_raw("0\r\n\r\n");
    boost::system::error_code ignored;
    if (broken_) stream_.lowest_layer().close(ignored);
    stream_.lowest_layer().cancel(ignored);
    if (watching) co_await watch_ended.wait();
    server_series().streams.add(-1);
  }

  /// False where the body is not what it was meant to be.
  asio::awaitable<bool> produce_body(const Response& response) {
    std::exception_ptr thrown;
    try {
      const base::Result<void> produced = co_await response.stream(*this);
      if (produced || produced.error().code == base::Code::cancelled) co_return true;
      base::log(base::LogLevel::warn, "a streamed response was cut off",
                {{"error", produced.error().message}});
      co_return false;
    } catch (...) {  // edge: as in answer()
      thrown = std::current_exception();
    }
    base::report_uncaught("http stream", thrown);
    co_return false;
  }

  /// Notices that the peer goes away while nothing is sent to it. One that says more is told apart from that
  /// by what it takes alone.
  asio::awaitable<void> watch_peer() {
    if (!co_await read_some()) co_return;
    broken_ = broken_ || !stream_end_->over;
    stream_end_->end();
  }

  base::Task<void> write(std::string piece) override {
    if (over()) co_return base::fail(base::Code::cancelled, "the stream is over");
    if (piece.empty()) co_return base::Result<void>{};
    if (!speaks_1_0_) {
      std::array<char, 20> size;
      const auto end = std::to_chars(size.data(), size.data() + size.size(), piece.size(), 16).ptr;
      piece.insert(0, std::string(size.data(), end) + "\r\n").append("\r\n");
    }
    const boost::system::error_code error = co_await write_raw(piece);
    deadline = base::Deadline::max();
    if (!error) co_return base::Result<void>{};
    broken_ = true;
    stream_end_->over = true;
    co_return base::fail(base::Code::cancelled, "the peer no longer takes what it is sent");
  }
  bool over() const override { return stream_end_->over; }
  void on_over(std::function<void()> hook) override {
    stream_end_->hook = std::move(hook);
    if (over() && stream_end_->hook) stream_end_->end();
  }

  std::string remote_ip_;
  RequestParser* parser_ = nullptr;  // of the request that is answered
  enum class BodyState : std::uint8_t { unread, begun, read } body_state_ = BodyState::read;
  std::optional<Refusal> failure_;  // why its body could not be read
  std::optional<ByteBudget::Share> body_share_;
  bool gave_way_ = false;                  // its body, to others of its payer
  std::shared_ptr<StreamEnd> stream_end_;  // once a body is streamed
  bool line_begun_ = false;
  bool idle_ = false;
  bool broken_ = false;  // a streamed body could not be brought to its end
};

}  // namespace

asio::awaitable<void> serve_plain(Server& server, tcp::socket socket, std::string remote_ip,
                                  const Admission& admission) {
  Session<tcp::socket> session(server, std::move(socket), std::move(remote_ip), admission);
  co_await session.run();
}

asio::awaitable<void> serve_tls(Server& server, tcp::socket socket, std::string remote_ip,
                                const Admission& admission) {
  using Stream = asio::ssl::stream<tcp::socket>;
  const auto context = server.options().tls->context();
  Session<Stream> session(server, Stream(std::move(socket), *context), std::move(remote_ip), admission);
  session.within(base::limits::kHeaderDeadline);
  boost::system::error_code error;
  {
    const PeerWait wait(session, Connection::Waits::rest);
    co_await session.stream().async_handshake(asio::ssl::stream_base::server,
                                              asio::redirect_error(asio::use_awaitable, error));
  }
  if (!error) co_await session.run();
}

}  // namespace http
