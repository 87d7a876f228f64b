#include "http/client.hpp"

#include <curl/curl.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <deque>
#include <mutex>

#include "http/client_exchange.hpp"
#include "http/client_sockets.hpp"

namespace http {

namespace {

constexpr std::size_t kSpareHandlesMax = 256;  // easy handles kept for the next exchanges, about 6 KiB each
constexpr base::Steady kNever = base::Steady::max();

CURLM* make_multi() {
  static std::once_flag once;
  std::call_once(once, [] {
    XD_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    // With NOSIGNAL curl leaves SIGPIPE alone, and OpenSSL writes to sockets without MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_IGN);
  });
  CURLM* multi = curl_multi_init();
  XD_ASSERT(multi != nullptr);
  return multi;
}

}  // namespace

std::string_view error_class(Failure failure) {
  switch (failure) {
    case Failure::none: return "";
    case Failure::dns: return "DNS";
    case Failure::connect_refused: return "CONNECT_REFUSED";
    case Failure::connect_timeout: return "CONNECT_TIMEOUT";
    case Failure::tls: return "TLS";
    case Failure::ssrf_blocked: return "SSRF_BLOCKED";
    case Failure::write: return "WRITE";
    case Failure::read: return "READ";
    case Failure::read_timeout: return "READ_TIMEOUT";
    case Failure::response_too_big: return "RESPONSE_TOO_BIG";
    case Failure::protocol: return "PROTOCOL";
    case Failure::cancelled: return "CANCELLED";
    case Failure::internal: return "INTERNAL";
  }
  return "INTERNAL";
}

std::string_view OutboundResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

/// An exchange goes  waiting → running → ended → resumed.  While it runs, curl owns its progress; curl is
/// told of sockets that are ready (on_sockets), of time that has passed (on_timer) and that something new is
/// there (on_kick). After each of these the exchanges that ended are taken out of curl, and last of all their
/// coroutines are resumed, on this stack: they may send again, cancel, or destroy the client, so nothing of
/// it may be used after that.
struct Client::Impl : std::enable_shared_from_this<Client::Impl> {
  Impl(asio::any_io_executor on, const EgressGuard& guard, Options with);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool submit(Exchange& exchange);
  void cancel_all();
  void close();
  std::size_t active() const { return running_.size() + waiting_.size(); }
  ExchangeContext& context() { return context_; }

 private:
  static int on_socket_wish(CURL*, curl_socket_t fd, int what, void* impl, void*) noexcept;
  static int on_timer_wish(CURLM*, long milliseconds, void* impl) noexcept;
  void on_sockets();
  void on_timer();
  void on_kick();
  void kick();

  bool start(Exchange& exchange);
  void run_sockets();
  void run_timeouts();
  void expire_waiting();
  void settle();
  void collect();
  void take_out(Exchange& exchange);
  void limit_idle_connections();
  void watch_sockets();
  void watch_time();
  void resume_ended();

  asio::any_io_executor executor_;
  Options options_;
  SocketSet sockets_;
  ExchangeContext context_;
  CURLM* multi_;
  asio::posix::stream_descriptor readiness_;  // of sockets_, which keeps the descriptor
  asio::steady_timer timer_;

  std::vector<Exchange*> running_;
  std::deque<Exchange*> waiting_;  // for a connection, in order of arrival
  std::deque<Exchange*> ended_;    // to be resumed
  std::vector<void*> spare_handles_;

  base::Steady curl_due_ = kNever;     // when curl wants to look at its own deadlines
  base::Steady waiting_due_ = kNever;  // no later than the earliest deadline of those that wait
  base::Steady armed_ = kNever;        // when timer_ fires
  bool watching_ = false;              // on_sockets will be called
  bool kicked_ = false;                // on_kick will be called
  bool cancelled_ = false;
};

Client::Impl::Impl(asio::any_io_executor on, const EgressGuard& guard, Options with)
    : executor_(std::move(on)),
      options_(std::move(with)),
      context_{guard, sockets_, options_.ca_file},
      multi_(make_multi()),
      readiness_(executor_, sockets_.descriptor()),
      timer_(executor_) {
  curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Impl::on_socket_wish);
  curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Impl::on_timer_wish);
  curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING));
}

Client::Impl::~Impl() { XD_ASSERT(multi_ == nullptr); }

/// Takes the exchange up, or fails it at once and returns false.
bool Client::Impl::submit(Exchange& exchange) {
  if (cancelled_) {
    exchange.fail(Failure::cancelled, "the client is stopping");
    return false;
  }
  if (std::string problem = exchange.problem(); !problem.empty()) {
    exchange.fail(Failure::internal, std::move(problem));
    return false;
  }
  // curl has a queue of its own for this, but those in it do not time out.
  if (running_.size() >= options_.connections_max) {
    waiting_.push_back(&exchange);
    waiting_due_ = std::min(waiting_due_, exchange.deadline());
    watch_time();
    return true;
  }
  if (!start(exchange)) return false;
  watch_sockets();
  return true;
}

bool Client::Impl::start(Exchange& exchange) {
  void* handle = nullptr;
  if (spare_handles_.empty()) {
    handle = Exchange::make_handle(context_);
  } else {
    handle = spare_handles_.back();
    spare_handles_.pop_back();
  }
  if (handle == nullptr) {
    exchange.fail(Failure::internal, "no memory for another exchange");
    return false;
  }
  exchange.bind(handle);
  exchange.index = running_.size();
  running_.push_back(&exchange);
  limit_idle_connections();
  const CURLMcode code =
      curl_multi_add_handle(multi_, static_cast<CURL*>(handle));  // kicks, by on_timer_wish
  if (code == CURLM_OK) return true;
  take_out(exchange);
  exchange.fail(Failure::internal, curl_multi_strerror(code));
  return false;
}

/// Takes a running exchange back from curl.
void Client::Impl::take_out(Exchange& exchange) {
  void* handle = exchange.release();
  curl_multi_remove_handle(multi_, static_cast<CURL*>(handle));
  if (spare_handles_.size() < kSpareHandlesMax) {
    spare_handles_.push_back(handle);
  } else {
    Exchange::free_handle(handle);
  }
  running_.back()->index = exchange.index;
  running_[exchange.index] = running_.back();
  running_.pop_back();
  limit_idle_connections();
}

/// curl's limit counts the connections in use, too, and closes idle ones where their sum is over it.
void Client::Impl::limit_idle_connections() {
  const std::size_t limit = running_.size() + options_.idle_connections_max;
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(limit));
}

int Client::Impl::on_socket_wish(CURL*, curl_socket_t fd, int what, void* impl, void*) noexcept {
  const bool reading = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
  const bool writing = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
  static_cast<Impl*>(impl)->sockets_.wait_for(fd, reading, writing);
  return 0;
}

int Client::Impl::on_timer_wish(CURLM*, long milliseconds, void* impl) noexcept {
  Impl& self = *static_cast<Impl*>(impl);
  if (milliseconds == 0) {
    self.kick();
  } else if (milliseconds < 0) {
    self.curl_due_ = kNever;
  } else {
    self.curl_due_ = steady_now() + std::chrono::milliseconds(milliseconds);
    self.watch_time();
  }
  return 0;
}

/// One post for all that is submitted in the same turn of the event loop.
void Client::Impl::kick() {
  if (std::exchange(kicked_, true)) return;
  asio::post(executor_, [self = shared_from_this()] { self->on_kick(); });
}

void Client::Impl::watch_sockets() {
  if (watching_ || running_.empty()) return;
  watching_ = true;
  readiness_.async_wait(asio::posix::stream_descriptor::wait_read,
                        [self = shared_from_this()](boost::system::error_code error) {
                          self->watching_ = false;
                          if (!error && self->multi_ != nullptr) self->on_sockets();
                        });
}

/// Sets the timer only when it would fire too late. One that fires too early looks at the deadlines again and
/// is set anew: each setting is a system call, and nearly every deadline is dropped before it is reached.
void Client::Impl::watch_time() {
  const base::Steady due = std::min(curl_due_, waiting_due_);
  if (due >= armed_) return;
  armed_ = due;
  timer_.expires_at(due);
  timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && self->multi_ != nullptr) self->on_timer();
  });
}

void Client::Impl::on_sockets() {
  run_sockets();
  settle();
}

void Client::Impl::on_kick() {
  kicked_ = false;
  if (multi_ == nullptr) return;
  run_sockets();  // first what came on idle connections, which makes them unfit for the new requests
  run_timeouts();
  settle();
}

void Client::Impl::on_timer() {
  armed_ = kNever;
  const base::Steady now = steady_now();
  if (curl_due_ <= now) {
    curl_due_ = kNever;
    run_timeouts();
  }
  if (waiting_due_ <= now) expire_waiting();
  settle();
}

void Client::Impl::run_sockets() {
  int still_running = 0;
  for (const SocketSet::Event& event : sockets_.take()) {
    const int what = (event.readable ? CURL_CSELECT_IN : 0) | (event.writable ? CURL_CSELECT_OUT : 0) |
                     (event.failed ? CURL_CSELECT_ERR : 0);
    curl_multi_socket_action(multi_, event.fd, what, &still_running);
    collect();  // one by one, so that the limit on idle connections keeps pace
  }
}

void Client::Impl::run_timeouts() {
  int still_running = 0;
  curl_multi_socket_action(multi_, CURL_SOCKET_TIMEOUT, 0, &still_running);
}

void Client::Impl::expire_waiting() {
  const base::Steady now = steady_now();
  waiting_due_ = kNever;
  std::erase_if(waiting_, [&](Exchange* exchange) {
    if (exchange->deadline() > now) {
      waiting_due_ = std::min(waiting_due_, exchange->deadline());
      return false;
    }
    exchange->fail(Failure::connect_timeout, "no connection was free within the time of the request");
    ended_.push_back(exchange);
    return true;
  });
}

/// What follows whenever curl has worked.
void Client::Impl::settle() {
  collect();
  while (!waiting_.empty() && running_.size() < options_.connections_max) {
    Exchange& next = *waiting_.front();
    waiting_.pop_front();
    if (!start(next)) ended_.push_back(&next);
  }
  watch_sockets();
  watch_time();
  resume_ended();
}

/// Takes the exchanges that curl is done with.
void Client::Impl::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    char* pointer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &pointer);
    Exchange& exchange = *reinterpret_cast<Exchange*>(pointer);
    exchange.conclude(code);
    take_out(exchange);
    ended_.push_back(&exchange);
  }
}

void Client::Impl::resume_ended() {
  const std::shared_ptr<Impl> alive = shared_from_this();
  while (!ended_.empty()) {
    Exchange& exchange = *ended_.front();
    ended_.pop_front();
    exchange.ended.give(true);
  }
}

void Client::Impl::cancel_all() {
  if (std::exchange(cancelled_, true)) return;
  const auto end = [this](Exchange& exchange) {
    exchange.fail(Failure::cancelled, "the client is stopping");
    ended_.push_back(&exchange);
  };
  while (!running_.empty()) {
    Exchange& exchange = *running_.back();
    take_out(exchange);
    end(exchange);
  }
  for (Exchange* exchange : waiting_) end(*exchange);
  waiting_.clear();
  timer_.cancel();
  readiness_.cancel();
  asio::post(executor_, [self = shared_from_this()] { self->resume_ended(); });
}

/// Gives everything back; what has ended is still resumed afterwards, by the handler that cancel_all()
/// posted.
void Client::Impl::close() {
  cancel_all();
  for (void* handle : spare_handles_) Exchange::free_handle(handle);
  spare_handles_.clear();
  curl_multi_cleanup(std::exchange(multi_, nullptr));  // closes the idle connections, through sockets_
  readiness_.release();
}

Client::Client(asio::any_io_executor executor, const EgressGuard& guard, Options options)
    : impl_(std::make_shared<Impl>(std::move(executor), guard, std::move(options))) {}

Client::~Client() { impl_->close(); }

asio::awaitable<OutboundResponse> Client::send(OutboundRequest request) {
  Exchange exchange(std::move(request), impl_->context());
  if (impl_->submit(exchange)) co_await exchange.ended.wait();
  co_return exchange.take_response();
}

void Client::cancel_all() { impl_->cancel_all(); }

std::size_t Client::active() const { return impl_->active(); }

}  // namespace http
