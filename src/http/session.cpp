#include "http/session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <ranges>

#include "base/log.hpp"
#include "base/metrics.hpp"

namespace http {

namespace {

namespace beast = boost::beast;
using asio::ip::tcp;
using Parser = beast::http::request_parser<beast::http::string_body>;

constexpr std::size_t kReadBytes = 8 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

/// Why a request cannot be answered by the program; ends the connection.
struct Refusal {
  int status = 0;  // 0: nothing can be said, only closed
  std::string detail{};
};

Refusal refusal_of(const boost::system::error_code& error) {
  using beast::http::error;
  if (error == error::header_limit)
    return {431, "the header is larger than 32 KiB; send fewer or shorter fields"};
  if (error == error::body_limit) return {413, "the body is larger than this server accepts"};
  if (error.category() == beast::http::make_error_code(error::bad_version).category()) {
    return {400, "not a well-formed HTTP/1.1 request: " + error.message()};
  }
  return {};  // the connection itself failed
}

/// A line that begins with a blank goes on with the one before (RFC 9112 §5.2); others read it otherwise.
bool has_folded_line(std::string_view head) {
  if (head.starts_with("\r\n")) return false;  // its lines have been read, and this is its end
  for (std::size_t end = head.find("\r\n"); end != std::string_view::npos; end = head.find("\r\n", end + 2)) {
    const std::string_view next = head.substr(end + 2);
    if (next.starts_with("\r\n")) return false;
    if (next.starts_with(' ') || next.starts_with('\t')) return true;
  }
  return false;
}

/// Beast takes a list of equal numbers for one of them; whoever is in front of us may take another.
bool is_one_number(const beast::http::fields& head) {
  const auto [begin, end] = head.equal_range(beast::http::field::content_length);
  if (begin == end) return true;
  const std::string_view value(begin->value());
  return std::next(begin) == end && std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; });
}

/// Whether the first line ends in a version of HTTP. Beast calls every other third word a bad version too.
bool names_another_version(std::string_view head) {
  const std::string_view line = head.substr(0, head.find("\r\n"));
  const std::size_t blank = line.find(' ', std::min(line.find(' '), line.size() - 1) + 1);
  if (blank == std::string_view::npos) return false;
  const std::string_view word = line.substr(blank + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return word.size() == 8 && word.starts_with("HTTP/") && digit(word[5]) && word[6] == '.' && digit(word[7]);
}

base::Gauge& streams_open() {
  static base::Gauge& gauge =
      base::metrics().gauge("crossdock_http_streams", "Responses whose body is being produced over time");
  return gauge;
}

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
class Session final : public Connection, private BodyWriter {
 public:
  Session(Server& server, Stream stream, std::string remote_ip)
      : server_(server), stream_(std::move(stream)), remote_ip_(std::move(remote_ip)) {
    server_.opened(*this);
  }
  ~Session() override { server_.closed(*this); }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  Stream& stream() { return stream_; }

  void expire() override {
    // A peer that takes nothing cannot be told: the second time there is nothing left to try.
    if (refusing_) return cut_off();
    expired_ = true;
    boost::system::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }

  void drain() override {
    // By a post: the producer, and this connection with it, may end on the stack of who calls.
    if (stream_end_) asio::post(stream_.get_executor(), [end = stream_end_] { end->end(); });
    if (!idle_) return;
    boost::system::error_code ignored;
    stream_.lowest_layer().cancel(ignored);
  }

  void cut_off() override {
    boost::system::error_code ignored;
    stream_.lowest_layer().close(ignored);
  }

  void within(std::chrono::steady_clock::duration span) { deadline = base::steady_now() + span; }

  asio::awaitable<void> run() {
    while (co_await one_request()) {
    }
    co_await say_nothing_more();
    boost::system::error_code ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_both, ignored);
  }

 private:
  /// On TLS the end is told (RFC 8446 §6.1), so that nobody takes it for one that somebody else has made.
  asio::awaitable<void> say_nothing_more() {
    if constexpr (!std::is_same_v<Stream, tcp::socket>) {
      if (said_ || !stream_.lowest_layer().is_open()) co_return;
      said_ = true;
      refusing_ = true;
      within(std::chrono::seconds{1});
      boost::system::error_code ignored;
      co_await stream_.async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
    }
  }

  /// Reads a request and answers it; false ends the connection.
  asio::awaitable<bool> one_request() {
    line_begun_ = false;
    if (buffer_.size() == 0 && !co_await wait_for_first_byte()) co_return false;
    Parser parser;
    parser.header_limit(base::limits::kHeaderBytesMax);
    parser.body_limit(server_.options().body_bytes_max);
    std::optional<Refusal> refusal = co_await read_header(parser);
    if (!refusal) refusal = check_header(parser);
    if (!refusal) refusal = co_await read_body(parser);
    const bool head_only = parser.get().method() == beast::http::verb::head;
    if (refusal) {
      co_await refuse(*refusal, head_only);
      co_return false;
    }
    const bool keep = parser.get().keep_alive() && !server_.draining();
    speaks_1_0_ = parser.get().version() < 11;
    deadline = base::Deadline::max();
    Response response = co_await answer(request_of(parser));
    if (response.stream) {
      co_await produce(response, head_only);
      co_return false;
    }
    const bool keep_after = keep && !server_.draining();
    co_return co_await respond(response, keep_after, head_only) && keep_after;
  }

  asio::awaitable<bool> wait_for_first_byte() {
    if (server_.draining()) co_return false;
    within(base::limits::kIdleDeadline);
    idle_ = true;
    const bool came = !co_await read_some();
    idle_ = false;
    co_return came;
  }

  asio::awaitable<boost::system::error_code> read_some() {
    boost::system::error_code error;
    const std::size_t count = co_await stream_.async_read_some(
        buffer_.prepare(kReadBytes), asio::redirect_error(asio::use_awaitable, error));
    buffer_.commit(count);
    co_return error;
  }

  asio::awaitable<std::optional<Refusal>> read_header(Parser& parser) {
    within(base::limits::kHeaderDeadline);
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

  std::optional<Refusal> check_header(Parser& parser) {
    const auto& head = parser.get();
    if (head.target().size() > base::limits::kTargetBytesMax)
      return Refusal{414, "the target is longer than 8 KiB"};
    if (std::distance(head.begin(), head.end()) >
        static_cast<std::ptrdiff_t>(base::limits::kHeaderCountMax)) {
      return Refusal{431, "more than 100 header fields; send fewer"};
    }
    if (head.target().empty() || head.target().front() != '/') {
      return Refusal{400, "the target must be a path that begins with /"};
    }
    if (head.version() >= 11 && head.count(beast::http::field::host) != 1) {
      return Refusal{400, "HTTP/1.1 needs exactly one Host field"};
    }
    // Beast takes a coding it does not know for none, and what follows for another request (RFC 9112 §6.1).
    const auto codings = head.count(beast::http::field::transfer_encoding);
    const std::string_view coding(head[beast::http::field::transfer_encoding]);
    if (codings > 1 || (codings == 1 && !equals_ignoring_case(coding, "chunked"))) {
      return Refusal{400, "the only Transfer-Encoding that is understood is: chunked"};
    }
    if (!is_one_number(head)) return Refusal{400, "Content-Length must be one number, once"};
    // Now, because Beast puts fields that come behind a chunked body beside those of the same name.
    headers_.clear();
    for (const auto& field : head) {
      headers_.emplace_back(std::string_view(field.name_string()), std::string_view(field.value()));
    }
    const auto length = parser.content_length();
    if (length && *length > server_.options().body_bytes_max)
      return refusal_of(beast::http::error::body_limit);
    return std::nullopt;
  }

  asio::awaitable<std::optional<Refusal>> read_body(Parser& parser) {
    if (parser.is_done()) co_return std::nullopt;
    within(base::limits::kBodyDeadline);
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
        if (parser.is_done()) break;
      }
      if (buffer_.size() > base::limits::kHeaderBytesMax)
        co_return Refusal{400, "a chunk header is too long"};
      if (co_await read_some()) co_return cut_short("the body did not arrive within 30 s");
    }
    co_return std::nullopt;
  }

  Request request_of(Parser& parser) {
    auto& message = parser.get();
    Request request;
    request.method = std::string_view(message.method_string());
    request.set_target(std::string_view(message.target()));
    request.headers = std::move(headers_);
    request.body = std::move(message.body());
    request.remote_ip = remote_ip_;
    return request;
  }

  asio::awaitable<Response> answer(Request request) {
    std::exception_ptr thrown;
    try {
      co_return co_await server_.application().answer(std::move(request));
    } catch (...) {  // edge: a request's bug is its own
      thrown = std::current_exception();
    }
    base::report_uncaught("http request", thrown);
    co_return server_.application().refuse(500, "this is a defect of the server; its log has the details");
  }

  asio::awaitable<void> refuse(const Refusal& refusal, bool head_only) {
    if (refusal.status == 0) co_return;
    refusing_ = true;
    const Response response = server_.application().refuse(refusal.status, refusal.detail);
    co_await respond(response, /*keep=*/false, head_only);
    // Let the peer read the answer before the rest of what it sends makes the kernel reset the connection.
    co_await say_nothing_more();
    boost::system::error_code ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
    within(std::chrono::seconds{1});
    buffer_.clear();
    for (std::size_t discarded = 0; discarded < (1 << 20) && !co_await read_some(); buffer_.clear()) {
      discarded += kReadBytes;
    }
  }

  void begin_head(const Response& response) {
    head_.clear();
    head_.append("HTTP/1.1 ").append(std::to_string(response.status)).append(" ");
    head_.append(reason_phrase(response.status)).append("\r\nDate: ").append(server_.date());
    if (!response.body.empty() || response.stream) {
      head_.append("\r\nContent-Type: ").append(response.content_type);
    }
    for (const auto& [name, value] : response.headers)
      head_.append("\r\n").append(name).append(": ").append(value);
  }

  asio::awaitable<bool> respond(const Response& response, bool keep, bool head_only) {
    begin_head(response);
    if (response.status != 204 && response.status != 304) {
      head_.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
    }
    if (!keep) head_.append("\r\nConnection: close");
    if (keep && speaks_1_0_) head_.append("\r\nConnection: keep-alive");
    head_.append("\r\n\r\n");
    if (!head_only) head_.append(response.body);
    co_return !co_await write_raw(head_);
  }

  /// Sends the header and lets the response produce its body.
  asio::awaitable<void> produce(const Response& response, bool head_only) {
    begin_head(response);
    if (!speaks_1_0_) head_.append("\r\nTransfer-Encoding: chunked");
    head_.append("\r\nConnection: close\r\n\r\n");
    if (co_await write_raw(head_) || head_only) co_return;
    deadline = base::Deadline::max();
    streams_open().add(1);
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
    streams_open().add(-1);
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

  /// Returns the error, if any.
  asio::awaitable<boost::system::error_code> write_raw(std::string_view bytes) {
    within(base::limits::kWriteDeadline);
    boost::system::error_code error;
    co_await asio::async_write(stream_, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, error));
    co_return error;
  }

  Server& server_;
  Stream stream_;
  std::string remote_ip_;
  beast::flat_buffer buffer_;
  std::string head_;
  std::vector<std::pair<std::string_view, std::string_view>> headers_;  // of the request that is read
  std::shared_ptr<StreamEnd> stream_end_;                               // once a body is streamed
  bool line_begun_ = false;
  bool speaks_1_0_ = false;
  bool idle_ = false;
  bool expired_ = false;
  bool refusing_ = false;
  bool said_ = false;
  bool broken_ = false;  // a streamed body could not be brought to its end
};

}  // namespace

asio::awaitable<void> serve_plain(Server& server, tcp::socket socket, std::string remote_ip) {
  Session<tcp::socket> session(server, std::move(socket), std::move(remote_ip));
  co_await session.run();
}

asio::awaitable<void> serve_tls(Server& server, tcp::socket socket, std::string remote_ip) {
  using Stream = asio::ssl::stream<tcp::socket>;
  const auto context = server.options().tls->context();
  Session<Stream> session(server, Stream(std::move(socket), *context), std::move(remote_ip));
  session.within(base::limits::kHeaderDeadline);
  boost::system::error_code error;
  co_await session.stream().async_handshake(asio::ssl::stream_base::server,
                                            asio::redirect_error(asio::use_awaitable, error));
  if (!error) co_await session.run();
}

}  // namespace http
