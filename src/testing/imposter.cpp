#include "testing/imposter.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "testing/imposter_certificate.hpp"

namespace testing {

namespace {

constexpr auto kPatience = std::chrono::seconds{10};

/// An address of either family as bind and connect take it.
struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address make_address(const std::string& text, std::uint16_t port) {
  Address address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof(sockaddr_in);
  } else {
    XD_ASSERT(inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof(sockaddr_in6);
  }
  return address;
}

/// A socket bound to a free port of the address, and the port.
std::pair<int, std::uint16_t> bind_anywhere(const std::string& text) {
  Address address = make_address(text, 0);
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  XD_ASSERT(fd >= 0);
  XD_ASSERT(bind(fd, address.get(), address.size) == 0);
  XD_ASSERT(getsockname(fd, address.get(), &address.size) == 0);
  // The port stands at the same place in both families.
  return {fd, ntohs(reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port)};
}

/// Reads a request's header block, without the empty line.
ImposterRequest parse_head(std::string_view head) {
  ImposterRequest request;
  const auto line = [&head] {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view text = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    return text;
  };
  const std::string_view start = line();
  const std::size_t first = start.find(' ');
  const std::size_t second = start.rfind(' ');
  request.method = start.substr(0, first);
  if (second > first) request.target = start.substr(first + 1, second - first - 1);
  while (!head.empty()) {
    const std::string_view field = line();
    const std::size_t colon = std::min(field.find(':'), field.size());
    std::string_view value = field.substr(std::min(colon + 1, field.size()));
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    request.headers.emplace_back(base::lower_ascii(field.substr(0, colon)), value);
  }
  return request;
}

/// Lets only those in who show one of these certificates.
void demand(SSL_CTX* context, const std::string& clients) {
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  constexpr std::string_view kSession = "imposter";
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>(kSession.data()),
                                 kSession.size());
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(
      BIO_new_mem_buf(clients.data(), static_cast<int>(clients.size())), &BIO_free);
  while (X509* known = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    XD_ASSERT(X509_STORE_add_cert(SSL_CTX_get_cert_store(context), known) == 1);
    X509_free(known);
  }
  ERR_clear_error();
}

std::shared_ptr<void> make_tls(const Certificate& certificate, const Imposter::Options& options) {
  std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free);
  XD_ASSERT(SSL_CTX_use_certificate(context.get(), certificate.x509.get()) == 1);
  XD_ASSERT(SSL_CTX_use_PrivateKey(context.get(), certificate.key.get()) == 1);
  if (!options.clients.empty()) demand(context.get(), options.clients);
  if (!options.groups.empty())
    XD_ASSERT(SSL_CTX_set1_groups_list(context.get(), options.groups.c_str()) == 1);
  if (options.tls_1_0_alone) {
    SSL_CTX_set_security_level(context.get(), 0);  // above it there is no cipher for so old a version
    XD_ASSERT(SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION) == 1);
    XD_ASSERT(SSL_CTX_set_max_proto_version(context.get(), TLS1_VERSION) == 1);
  }
  return context;
}

}  // namespace

std::string_view ImposterRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

Reply make_answer(int status, std::string_view headers, std::string_view body) {
  Reply reply;
  reply.head = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
  if (!headers.empty()) reply.head.append(headers).append("\r\n");
  if (status != 204 && status != 304) reply.head += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  reply.head += "\r\n";
  reply.body = body;
  return reply;
}

Script& Script::reply(Reply reply) {
  const std::lock_guard lock(mutex_);
  replies_.push_back(std::move(reply));
  return *this;
}

Script& Script::answer(int status, std::string_view headers, std::string_view body) {
  return reply(make_answer(status, headers, body));
}

Script& Script::redirect(std::string_view location, int status) {
  return answer(status, "Location: " + std::string(location));
}

Script& Script::raw(std::string bytes, Ending ending) {
  return reply({.head = std::move(bytes), .ending = ending});
}

Reply Script::next() {
  if (replies_.empty()) return make_answer(200);
  if (replies_.size() == 1) return replies_.front();
  Reply reply = std::move(replies_.front());
  replies_.pop_front();
  return reply;
}

/// One accepted socket. Every wait ends when the imposter stops; a failed call means that the connection is
/// over.
class Imposter::Connection {
 public:
  Connection(int fd, int stop, std::size_t number) : fd_(fd), stop_(stop), number_(number) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

  bool accept_tls(SSL_CTX* context) {
    ssl_.reset(SSL_new(context));
    SSL_set_fd(ssl_.get(), fd_);
    if (perform(POLLIN, [this] { return SSL_accept(ssl_.get()); }) > 0) return true;
    // Closing at once would reset the connection, and with it the alert that says why might get lost.
    ssl_.reset();
    ::shutdown(fd_, SHUT_WR);
    while (receive()) received_.clear();
    return false;
  }

  std::optional<ImposterRequest> read_request() {
    std::size_t end = 0;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return std::nullopt;
    }
    ImposterRequest request = parse_head(std::string_view(received_).substr(0, end));
    received_.erase(0, end + 4);
    std::size_t length = 0;
    const std::string_view field = request.header("content-length");
    std::from_chars(field.data(), field.data() + field.size(), length);
    while (received_.size() < length) {
      if (!receive()) return std::nullopt;
    }
    request.body = received_.substr(0, length);
    request.connection = number_;
    request.certificate = shown_certificate();
    received_.erase(0, length);
    return request;
  }

  /// Returns whether the connection goes on.
  bool play(const Reply& reply, bool with_body) {
    if (reply.delay.count() > 0 && !pause(reply.delay)) return false;
    const std::string bytes = with_body ? reply.head + reply.body : reply.head;
    const std::size_t step = reply.byte_interval.count() > 0 ? 1 : std::max<std::size_t>(bytes.size(), 1);
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      if (reply.byte_interval.count() > 0 && !pause(reply.byte_interval)) return false;
      if (!send(std::string_view(bytes).substr(at, step))) return false;
    }
    while (!reply.endless.empty()) {
      if (!send(reply.endless)) return false;
    }
    return finish(reply.ending);
  }

 private:
  std::string shown_certificate() const {
    const std::unique_ptr<X509, decltype(&X509_free)> shown(
        ssl_ ? SSL_get1_peer_certificate(ssl_.get()) : nullptr, &X509_free);
    return shown ? to_pem(shown.get()) : std::string();
  }

  bool finish(Ending ending) {
    if (ending == Ending::keep) return true;
    if (ending == Ending::hang) {
      while (receive()) received_.clear();
    }
    if (ending == Ending::close && ssl_) SSL_shutdown(ssl_.get());
    if (ending == Ending::reset) {
      constexpr linger kNow{.l_onoff = 1, .l_linger = 0};
      setsockopt(fd_, SOL_SOCKET, SO_LINGER, &kNow, sizeof kNow);
    }
    return false;
  }

  bool receive() {
    std::array<char, 16384> buffer;
    const ssize_t size = perform(POLLIN, [&] {
      return ssl_ ? SSL_read(ssl_.get(), buffer.data(), static_cast<int>(buffer.size()))
                  : ::recv(fd_, buffer.data(), buffer.size(), 0);
    });
    if (size <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t size = perform(POLLOUT, [&] {
        return ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                    : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      });
      if (size <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(size));
    }
    return true;
  }

  /// Repeats an operation on the socket until it need not wait any more; over 0 where it succeeded.
  template <class Operation>
  ssize_t perform(short events, Operation operation) {
    while (true) {
      ERR_clear_error();
      const ssize_t result = operation();
      if (result > 0) return result;
      if (ssl_) {
        const int error = SSL_get_error(ssl_.get(), static_cast<int>(result));
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return -1;
        events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
      } else if (result == 0 || errno != EAGAIN) {
        return -1;
      }
      std::array<pollfd, 2> waits{{{fd_, events, 0}, {stop_, POLLIN, 0}}};
      poll(waits.data(), waits.size(), -1);
      if (waits[1].revents != 0) return -1;
    }
  }

  /// False when the imposter stops.
  bool pause(std::chrono::milliseconds span) {
    pollfd stop{stop_, POLLIN, 0};
    return poll(&stop, 1, static_cast<int>(span.count())) == 0;
  }

  int fd_;
  int stop_;
  std::size_t number_;
  std::string received_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, &SSL_free};
};

Imposter::Imposter(Options options) : options_(std::move(options)) {
  if (options_.tls) {
    const Certificate certificate = make_certificate(options_.certificate_name, options_.certificate_expired);
    certificate_pem_ = certificate.pem;
    tls_ = make_tls(certificate, options_);
  }
  std::tie(listener_, port_) = bind_anywhere(options_.address);
  XD_ASSERT(listen(listener_, 4096) == 0);
  stop_ = eventfd(0, EFD_CLOEXEC);
  acceptor_ = std::thread([this] { accept(); });
}

Imposter::~Imposter() {
  XD_ASSERT(eventfd_write(stop_, 1) == 0);
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
  ::close(stop_);
}

void Imposter::accept() {
  while (true) {
    std::array<pollfd, 2> waits{{{listener_, POLLIN, 0}, {stop_, POLLIN, 0}}};
    poll(waits.data(), waits.size(), -1);
    if (waits[1].revents != 0) return;
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) continue;
    const std::lock_guard lock(mutex_);
    const std::size_t number = accepted_++;
    open_[number] = fd;
    connections_.emplace_back([this, fd, number] {
      Connection connection(fd, stop_, number);
      serve(connection);
      const std::lock_guard lock_end(mutex_);
      open_.erase(number);
      connection.close();
      ++ended_;
      changed_.notify_all();
    });
  }
}

void Imposter::serve(Connection& connection) {
  std::optional<Reply> greeting;
  {
    const std::lock_guard lock(mutex_);
    if (!connect_.replies_.empty()) greeting = connect_.next();
  }
  if (greeting && !connection.play(*greeting, true)) return;
  if (tls_ && !connection.accept_tls(static_cast<SSL_CTX*>(tls_.get()))) return;
  while (std::optional<ImposterRequest> request = connection.read_request()) {
    const bool with_body = request->method != "HEAD";
    const std::string path = request->target.substr(0, request->target.find('?'));
    Reply reply;
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(*request));
      const auto script = scripts_.find(path);
      reply = script == scripts_.end() ? make_answer(200) : script->second.next();
      changed_.notify_all();
    }
    if (!connection.play(reply, with_body)) return;
  }
}

std::string Imposter::url(std::string_view target) const {
  const bool v6 = options_.address.contains(':');
  return std::string(options_.tls ? "https://" : "http://") +
         (v6 ? "[" + options_.address + "]" : options_.address) + ":" + std::to_string(port_) +
         std::string(target);
}

Script& Imposter::on(const std::string& path) {
  const std::lock_guard lock(mutex_);
  return scripts_.try_emplace(path, mutex_).first->second;
}

void Imposter::say(std::size_t connection, std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  const auto fd = open_.find(connection);
  XD_ASSERT(fd != open_.end());
  XD_ASSERT(::send(fd->second, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
}

std::vector<ImposterRequest> Imposter::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::size_t Imposter::connections() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}

bool Imposter::wait_for(std::size_t requests) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return requests_.size() >= requests; });
}

bool Imposter::wait_for_ended(std::size_t connections) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return ended_ >= connections; });
}

DeadPort::DeadPort(Kind kind) {
  std::tie(socket_, port_) = bind_anywhere("127.0.0.1");
  if (kind == Kind::refusing) return;  // bound, so that nobody else gets the port, but not listening
  XD_ASSERT(listen(socket_, 0) == 0);
  // A backlog of 0 holds one connection. While that is not accepted the kernel drops every further SYN.
  Address address = make_address("127.0.0.1", port_);
  filler_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  XD_ASSERT(connect(filler_, address.get(), address.size) == 0);
}

DeadPort::~DeadPort() {
  if (filler_ >= 0) ::close(filler_);
  ::close(socket_);
}

std::string DeadPort::url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

}  // namespace testing
