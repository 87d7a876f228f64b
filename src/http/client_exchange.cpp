#include "http/client_exchange.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/text.hpp"
#include "http/message.hpp"
#include "http/target_url.hpp"

namespace http {

namespace {

using namespace std::chrono_literals;

// How long a connection may have been idle, and how old it may be, when a request is still put on it. Below
// the idle time after which common servers and load balancers hang up (60 s); the age lets a changed DNS
// answer take effect.
constexpr long kIdleSecondsMax = 50;
constexpr long kAgeSecondsMax = 600;
constexpr long kDnsCacheSeconds = 30;

/// Headers that are the client's own, or would change the framing that it and the peer agree on.
constexpr std::string_view kOwnHeaders[] = {"host", "content-length", "connection",       "transfer-encoding",
                                            "te",   "expect",         "proxy-connection", "upgrade"};

// What curl would add on its own is switched off by lines without a value. It only reads them.
curl_slist no_expect{const_cast<char*>("Expect:"), nullptr};
curl_slist no_content_type{const_cast<char*>("Content-Type:"), &no_expect};
curl_slist no_defaults{const_cast<char*>("Accept:"), &no_content_type};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string header_problem(std::string_view line) {
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  if (colon == std::string_view::npos || !is_token(name))
    return "a request header is not of the form \"Name: value\"";
  if (std::ranges::any_of(line, [](char c) { return (c >= 0 && c < ' ' && c != '\t') || c == 127; })) {
    return "the request header " + std::string(name) + " has a control character";
  }
  if (std::ranges::any_of(kOwnHeaders,
                          [&](std::string_view own) { return equals_ignoring_case(name, own); })) {
    return "the request header " + std::string(name) + " is the client's to set";
  }
  return {};
}

template <class Value>
void set(void* handle, CURLoption option, Value value) {
  const CURLcode code = curl_easy_setopt(static_cast<CURL*>(handle), option, value);
  XD_ASSERT(code == CURLE_OK || code == CURLE_OUT_OF_MEMORY);
}

std::int64_t microseconds(void* handle, CURLINFO which) {
  curl_off_t value = 0;
  curl_easy_getinfo(static_cast<CURL*>(handle), which, &value);
  return value;
}

long milliseconds_left(base::Deadline deadline, base::Steady now) {
  // 0 would mean "no limit" to curl.
  return std::max<long>(1, std::chrono::ceil<std::chrono::milliseconds>(deadline - now).count());
}

}  // namespace

/// What curl calls. Nothing may be thrown through curl.
struct Exchange::Callbacks {
  static std::size_t header(char* bytes, std::size_t, std::size_t size, void* exchange) noexcept {
    return static_cast<Exchange*>(exchange)->read_header_line({bytes, size}) ? size : 0;
  }

  static std::size_t body(char* bytes, std::size_t, std::size_t size, void* exchange) noexcept {
    return static_cast<Exchange*>(exchange)->read_body({bytes, size}) ? size : 0;
  }

  static int before_sending(void* exchange, char*, char*, int, int) noexcept {
    return static_cast<Exchange*>(exchange)->may_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  }

  /// The address is the one that curl will connect to, after all resolving: the only place where a check
  /// holds.
  static curl_socket_t open(void* exchange, curlsocktype, curl_sockaddr* to) noexcept {
    if (to->socktype != SOCK_STREAM) return CURL_SOCKET_BAD;
    if (to->family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, &to->addr, sizeof v4);
      const asio::ip::address_v4 address(ntohl(v4.sin_addr.s_addr));
      return static_cast<Exchange*>(exchange)->open_socket(address, ntohs(v4.sin_port));
    }
    if (to->family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, &to->addr, sizeof v6);  // curl_sockaddr is as large as the address it holds
      asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
      return static_cast<Exchange*>(exchange)->open_socket(asio::ip::address_v6(bytes), ntohs(v6.sin6_port));
    }
    return CURL_SOCKET_BAD;  // a Unix socket, for instance
  }

  /// Called for kept-alive connections, too, long after the exchange that opened them.
  static int close(void* sockets, curl_socket_t fd) noexcept {
    static_cast<SocketSet*>(sockets)->closed(fd);
    return ::close(fd);
  }
};

void* Exchange::make_handle(ExchangeContext& context) {
  CURL* handle = curl_easy_init();
  if (handle == nullptr) return nullptr;
  set(handle, CURLOPT_NOSIGNAL, 1L);
  set(handle, CURLOPT_QUICK_EXIT,
      1L);  // an exchange that ends while its name is being resolved waits for no thread
  set(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  set(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  set(handle, CURLOPT_FOLLOWLOCATION, 0L);
  set(handle, CURLOPT_PROXY, "");  // also none of the environment
  set(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // One exchange per connection. Over HTTP/2 exchanges would share one: an answer cut off at its limit could
  // not close it, and one lost packet would hold up all of them.
  set(handle, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(handle, CURLOPT_HTTP09_ALLOWED, 0L);
  set(handle, CURLOPT_TCP_NODELAY, 1L);
  set(handle, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  // A handshake is computed on the shard's thread: over finite fields the peer would choose how long it
  // takes.
  set(handle, CURLOPT_SSL_CIPHER_LIST, "DEFAULT:!kDHE:!PSK:!SRP");
  set(handle, CURLOPT_SSL_EC_CURVES, "X25519:P-256:P-384");
  if (!context.ca_file.empty()) set(handle, CURLOPT_CAINFO, context.ca_file.c_str());
  // The bundle is all there is to trust: a directory would be trusted beside any other choice.
  set(handle, CURLOPT_CAPATH, static_cast<char*>(nullptr));
  set(handle, CURLOPT_DNS_CACHE_TIMEOUT, kDnsCacheSeconds);
  set(handle, CURLOPT_MAXAGE_CONN, kIdleSecondsMax);
  set(handle, CURLOPT_MAXLIFETIME_CONN, kAgeSecondsMax);
  set(handle, CURLOPT_HEADERFUNCTION, &Callbacks::header);
  set(handle, CURLOPT_WRITEFUNCTION, &Callbacks::body);
  set(handle, CURLOPT_PREREQFUNCTION, &Callbacks::before_sending);
  set(handle, CURLOPT_OPENSOCKETFUNCTION, &Callbacks::open);
  set(handle, CURLOPT_CLOSESOCKETFUNCTION, &Callbacks::close);
  set(handle, CURLOPT_CLOSESOCKETDATA, &context.sockets);
  return handle;
}

void Exchange::free_handle(void* handle) { curl_easy_cleanup(static_cast<CURL*>(handle)); }

Exchange::Exchange(OutboundRequest request, ExchangeContext& context)
    : request_(std::move(request)),
      context_(context),
      begun_(steady_now()),
      deadline_(begun_ + request_.total_timeout) {
  // What curl makes of other characters depends on the locale. A host without a form in ASCII is a problem().
  if (auto ascii = ascii_url(request_.url)) request_.url = std::move(*ascii);
}

Exchange::~Exchange() { XD_ASSERT(handle_ == nullptr); }

std::string Exchange::problem() const {
  if (!is_token(request_.method) || request_.method == "CONNECT")
    return "the method is not one that can be sent";
  if (const std::string_view problem = url_problem(request_.url); !problem.empty()) {
    return "the URL cannot be sent to: " + std::string(problem);
  }
  if (const auto ascii = ascii_url(request_.url); !ascii) return ascii.error().message;
  for (const std::string& line : request_.headers) {
    if (std::string problem = header_problem(line); !problem.empty()) return problem;
  }
  return {};
}

void Exchange::bind(void* handle) {
  handle_ = handle;
  const base::Steady now = steady_now();
  waited_ = std::chrono::duration_cast<std::chrono::microseconds>(now - begun_);
  set(handle_, CURLOPT_URL, request_.url.c_str());
  bind_method();
  bind_headers();
  if (request_.tls) bind_tls();
  set(handle_, CURLOPT_CONNECTTIMEOUT_MS, std::max<long>(1, request_.connect_timeout.count()));
  set(handle_, CURLOPT_TIMEOUT_MS, milliseconds_left(deadline_, now));
  set(handle_, CURLOPT_ERRORBUFFER, curl_error_.data());
  set(handle_, CURLOPT_PRIVATE, this);
  set(handle_, CURLOPT_HEADERDATA, this);
  set(handle_, CURLOPT_WRITEDATA, this);
  set(handle_, CURLOPT_PREREQDATA, this);
  set(handle_, CURLOPT_OPENSOCKETDATA, this);
}

void Exchange::bind_method() {
  const std::string& method = request_.method;
  const bool has_body = request_.body && !request_.body->empty();
  // Methods that usually have a body say so where they have none: Content-Length: 0 (RFC 9110 §8.6).
  const bool says_length = has_body || method == "POST" || method == "PUT" || method == "PATCH";
  const char* plain = "GET";  // the method that curl would send by itself
  if (says_length) {
    plain = "POST";
    set(handle_, CURLOPT_POST, 1L);
    set(handle_, CURLOPT_POSTFIELDS, has_body ? request_.body->data() : "");
    set(handle_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(has_body ? request_.body->size() : 0));
  } else if (method == "HEAD") {
    plain = "HEAD";
    set(handle_, CURLOPT_NOBODY, 1L);
  } else {
    set(handle_, CURLOPT_HTTPGET, 1L);
  }
  set(handle_, CURLOPT_CUSTOMREQUEST, method == plain ? nullptr : method.c_str());
}

void Exchange::bind_headers() {
  curl_slist* first = &no_defaults;
  if (!request_.headers.empty()) {
    const std::size_t count = request_.headers.size();
    header_list_ = std::make_unique<curl_slist[]>(count);
    for (std::size_t i = 0; i < count; ++i) {
      std::string* line = &request_.headers[i];
      if (base::trimmed(*line).ends_with(':') &&
          base::trimmed(*line).find(':') == base::trimmed(*line).size() - 1) {
        // To curl a line without a value means "do not send this"; an empty one is asked for by a semicolon.
        line = &rewritten_headers_.emplace_back(line->substr(0, line->find(':')) + ";");
      }
      header_list_[i] = {line->data(), i + 1 < count ? &header_list_[i + 1] : &no_defaults};
    }
    first = header_list_.get();
  }
  set(handle_, CURLOPT_HTTPHEADER, first);
}

/// curl compares the blobs byte by byte before it gives a request a connection, or a session to resume, that
/// another has made. It does not compare the key's blob, so it gets certificate and key as one.
void Exchange::bind_tls() {
  const auto lend = [this](CURLoption option, std::string_view bytes) {
    curl_blob blob{const_cast<char*>(bytes.data()), bytes.size(), CURL_BLOB_NOCOPY};
    if (!bytes.empty()) set(handle_, option, &blob);
  };
  lend(CURLOPT_SSLCERT_BLOB, request_.tls->identity.reveal());
  lend(CURLOPT_SSLKEY_BLOB, request_.tls->identity.reveal());
  lend(CURLOPT_CAINFO_BLOB, request_.tls->authorities);
}

void Exchange::unbind_tls() {
  for (const CURLoption option : {CURLOPT_SSLCERT_BLOB, CURLOPT_SSLKEY_BLOB, CURLOPT_CAINFO_BLOB}) {
    set(handle_, option, static_cast<curl_blob*>(nullptr));
  }
}

bool Exchange::stop(Failure failure, std::string why) {
  stopped_ = failure;
  response_.error = std::move(why);
  return false;
}

bool Exchange::read_header_line(std::string_view line) {
  header_bytes_ += line.size();
  if (header_bytes_ > base::limits::kResponseHeaderBytesMax) {
    return stop(Failure::response_too_big, "the header of the answer is longer than " +
                                               std::to_string(base::limits::kResponseHeaderBytesMax) +
                                               " bytes");
  }
  if (reading_ == Reading::body) return true;  // trailers are of no use to anyone here
  if (reading_ == Reading::status_line) return read_status_line(base::trimmed(line));
  return base::trimmed(line).empty() ? end_header() : read_field(line);
}

/// curl takes a line that merely begins with "HTTP/" for a 200.
bool Exchange::read_status_line(std::string_view line) {
  const bool valid = (line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ")) && line.size() >= 12 &&
                     std::ranges::all_of(line.substr(9, 3), is_digit) && line[9] != '0' &&
                     (line.size() == 12 || line[12] == ' ');
  if (!valid) return stop(Failure::protocol, "the answer does not start with an HTTP/1 status line");
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  if (status_ == 101) return stop(Failure::protocol, "the peer switched protocols without being asked");
  if (status_ >= 200) response_.status = status_;
  reading_ = Reading::header;
  return true;
}

bool Exchange::read_field(std::string_view line) {
  if (status_ < 200) return true;
  if (line.front() == ' ' || line.front() == '\t') {  // folded (RFC 9112 §5.2): goes on with the field before
    if (!response_.headers.empty()) response_.headers.back().second.append(" ").append(base::trimmed(line));
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos)
    return stop(Failure::protocol, "a header line of the answer has no colon");
  std::string name = base::lower_ascii(base::trimmed(line.substr(0, colon)));
  response_.headers.emplace_back(std::move(name), base::trimmed(line.substr(colon + 1)));
  return true;
}

bool Exchange::end_header() {
  if (status_ < 200) {
    reading_ = Reading::status_line;
    return true;
  }
  reading_ = Reading::body;
  for (const auto& [name, value] : response_.headers) {
    // No TE was sent, so no coding but chunked may come (RFC 9112 §6.1); curl would inflate it.
    if (name == "transfer-encoding" && !equals_ignoring_case(value, "chunked") &&
        !equals_ignoring_case(value, "identity")) {
      return stop(Failure::protocol, "the answer has a transfer coding that was not asked for");
    }
  }
  // To curl a HEAD with a body is a POST by another name, whose answer has a body.
  if (request_.method == "HEAD" && request_.body && !request_.body->empty()) return stop(Failure::none, {});
  return true;
}

bool Exchange::read_body(std::string_view bytes) {
  const std::size_t room = base::limits::kResponseBodyBytesMax - response_.body.size();
  response_.body.append(bytes.substr(0, room));
  if (bytes.size() <= room) return true;
  response_.body_truncated = true;
  return stop(Failure::none, {});
}

bool Exchange::may_send() {
  if (sendings_ == 0 || request_.repeatable) {
    ++sendings_;
    return true;
  }
  return stop(Failure::read,
              "the kept connection broke without an answer, and the request may not be sent twice");
}

int Exchange::open_socket(const asio::ip::address& address, std::uint16_t port) {
  if (const std::string refusal = context_.guard.refusal(address, port); !refusal.empty()) {
    unopened_ = Failure::ssrf_blocked;
    unopened_why_ = address.to_string() + " may not be connected to: " + refusal;
    return CURL_SOCKET_BAD;
  }
  const int fd =
      ::socket(address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    if (errno == EAFNOSUPPORT) return CURL_SOCKET_BAD;
    unopened_ = Failure::internal;
    unopened_why_ = "no socket: " + std::string(strerrordesc_np(errno));
    return CURL_SOCKET_BAD;
  }
  connecting_ = true;
  context_.sockets.opened(fd);
  return fd;
}

void Exchange::conclude(int curl_code) {
  read_timings();
  char* ip = nullptr;
  curl_easy_getinfo(static_cast<CURL*>(handle_), CURLINFO_PRIMARY_IP, &ip);
  if (ip != nullptr) response_.remote_ip = ip;
  if (stopped_) {
    response_.failure = *stopped_;
  } else if (curl_code != CURLE_OK) {
    response_.failure = classify(curl_code);
    const char* text =
        curl_error_[0] != '\0' ? curl_error_.data() : curl_easy_strerror(static_cast<CURLcode>(curl_code));
    const bool unopened = unopened_ && response_.failure == *unopened_;
    response_.error = unopened ? unopened_why_ : text;
  } else if (reading_ != Reading::body) {
    fail(Failure::read, "the connection was closed inside the header of the answer");
  }
}

void Exchange::fail(Failure failure, std::string why) {
  response_.failure = failure;
  response_.error = std::move(why);
}

void* Exchange::release() {
  if (handle_ == nullptr) return nullptr;
  set(handle_, CURLOPT_ERRORBUFFER, static_cast<char*>(nullptr));
  set(handle_, CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
  set(handle_, CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  if (request_.tls) unbind_tls();
  return std::exchange(handle_, nullptr);
}

void Exchange::read_timings() {
  const auto moment = [this](CURLINFO which) {
    const std::int64_t value = microseconds(handle_, which);
    return value == 0 ? 0 : value + waited_.count();
  };
  Timings& timings = response_.timings;
  if (connecting_) {
    timings.dns_us = moment(CURLINFO_NAMELOOKUP_TIME_T);
    timings.connect_us = moment(CURLINFO_CONNECT_TIME_T);
    timings.tls_us = moment(CURLINFO_APPCONNECT_TIME_T);
  }
  timings.first_byte_us = moment(CURLINFO_STARTTRANSFER_TIME_T);
  timings.total_us = moment(CURLINFO_TOTAL_TIME_T);
}

Failure Exchange::classify_timeout() const {
  if (sendings_ > 0) return Failure::read_timeout;
  if (microseconds(handle_, CURLINFO_NAMELOOKUP_TIME_T) == 0) return Failure::dns;
  long connected = 0;  // over TCP; the moment of it is known to curl only after the handshake
  curl_easy_getinfo(static_cast<CURL*>(handle_), CURLINFO_NUM_CONNECTS, &connected);
  return connected == 0 ? Failure::connect_timeout : Failure::tls;
}

Failure Exchange::classify(int curl_code) const {
  const bool sent = sendings_ > 0;
  if (unopened_ && !connecting_ && !sent) return *unopened_;
  switch (curl_code) {
    case CURLE_OPERATION_TIMEDOUT: return classify_timeout();
    case CURLE_COULDNT_RESOLVE_HOST: return Failure::dns;
    case CURLE_COULDNT_CONNECT: return unopened_ && !connecting_ ? *unopened_ : Failure::connect_refused;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_SHUTDOWN_FAILED: return Failure::tls;
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND: return sent ? Failure::write : Failure::connect_refused;
    case CURLE_RECV_ERROR: {
      // The one code stands for several things, and only the text tells them apart.
      const std::string_view text(curl_error_.data());
      const bool malformed = text.contains("chunked-encoding");
      // With TLS 1.3 a peer refuses our certificate after the handshake has ended for us.
      if (text.contains("SSL routines") && text.contains(" alert ")) return Failure::tls;
      return malformed ? Failure::protocol : sent ? Failure::read : Failure::connect_refused;
    }
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE: return Failure::read;
    case CURLE_OUT_OF_MEMORY:  // also curl's own limit on the length of one line
      return sent && reading_ != Reading::body ? Failure::response_too_big : Failure::internal;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING: return sent ? Failure::protocol : Failure::internal;
    default: return Failure::internal;
  }
}

}  // namespace http
