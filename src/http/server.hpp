// The HTTP/1.1 server of one shard: listens, reads requests within limits and deadlines, writes responses.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "base/gate.hpp"
#include "base/limits.hpp"
#include "base/metrics.hpp"
#include "http/address_limit.hpp"
#include "http/message.hpp"
#include "http/tls.hpp"

namespace http {

/// What the program does with requests. Called on the shard's thread.
struct Application {
  /// Answers a request, of which it has the head and may read the body; an exception becomes a 500.
  std::function<asio::awaitable<Response>(Request, BodyReader&)> answer;
  /// The body of an answer that the server gives by itself (400, 408, 413, 414, 431, 500, 503, 505).
  std::function<Response(int status, std::string_view detail)> refuse;
  /// Hears of a request that the server refuses because its head says that its body is too large; may be
  /// empty.
  std::function<void(const Request&)> too_large{};
};

struct ServerOptions {
  asio::ip::tcp::endpoint endpoint{};
  std::string address_setting = "--listen";  ///< what chooses another one
  std::size_t body_bytes_max = base::limits::kBodyBytesDefault;
  /// Beyond it those that wait for their peers end, first of the addresses that have the most;
  /// kConnectionsInReserve more are let in for requests that an application answers although it is crowded.
  std::size_t connections_max = base::limits::kConnectionsPerShard;
  std::size_t bodies_bytes_max = base::limits::kBodiesUnderWayBytes;
  std::size_t answers_bytes_max = base::limits::kAnswersUnderWayBytes;
  std::shared_ptr<AddressLimit> addresses{};  ///< shared by the servers of a process; null: none
  std::shared_ptr<TlsIdentity> tls{};         ///< null: plain
};

/// Whether the port may be shared. Exclusively: another program that listens there, whichever, makes it fail.
/// With siblings: so do only those outside the process, where the first of the siblings took it exclusively.
enum class Port : std::uint8_t { exclusive, with_siblings };

/// How a connection was let in.
struct Admission {
  const AddressLimit::Count* of_address = nullptr;  ///< what its address has; null where nobody counts
  bool in_reserve = false;                          ///< beyond connections_max, for nobody gave way
};

/// A connection as the server sees it: something with a deadline that can be told to end.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Its deadline has passed: the operation under way is cancelled.
  virtual void expire() = 0;
  /// The server drains: an idle connection ends now, a busy one after its answer.
  virtual void drain() = 0;
  /// Its time is up, whatever it does: the socket is closed.
  virtual void cut_off() = 0;

  /// A newer connection needs its place.
  virtual void give_way() = 0;

  /// What it waits for: nothing of its peer's, a request, or the rest of one.
  enum class Waits : std::uint8_t { nothing, request, rest };
  Waits waits = Waits::nothing;
  base::Steady since{};  ///< when it began to wait
  base::Deadline deadline = base::Deadline::max();
  bool gives_way = false;  ///< it ends for a newer one
  bool in_reserve = false;
  const AddressLimit::Count* of_address = nullptr;
  std::list<Connection*>::iterator place{};  ///< in the server's list
};

/// What all servers of the process count together; there from the start, at 0.
struct ServerSeries {
  base::Counter& gave_way;
  base::Counter& beyond_address;
  base::Counter& beyond_share;
  base::Counter& bodies_refused;
  base::Counter& answers_cut;
  base::Gauge& connections;
  base::Gauge& streams;
};
ServerSeries& server_series();

/// Several servers (one for each shard) listen on the same address by SO_REUSEPORT; the kernel spreads
/// connections. None of them is ever without a way in: see ServerOptions::connections_max.
class Server {
 public:
  Server(asio::any_io_executor executor, ServerOptions options, Application application);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes the address; who connects waits. number: the port, where the first of the siblings has found it;
  /// 0: as in the options. Error: unavailable, when the address cannot be had.
  base::Result<void> listen(Port port = Port::exclusive, std::uint16_t number = 0);
  /// Lets in who connects: from here on drain() is needed.
  void start();
  /// The address that is listened on, with the real port where 0 was asked for.
  asio::ip::tcp::endpoint local() const { return local_; }

  /// Stops accepting, ends idle connections, waits for busy ones (at most until the deadline, then cuts them
  /// off).
  asio::awaitable<void> drain(base::Deadline deadline);

  std::size_t connections() const { return connections_.size(); }

  // For connections.
  const ServerOptions& options() const { return options_; }
  const Application& application() const { return application_; }
  bool draining() const { return draining_; }
  std::string_view date();  ///< for the Date header, made once a second
  void opened(Connection& connection);
  void closed(Connection& connection);
  bool crowded() const { return taken() > options_.connections_max; }
  /// Whether so much more of what refused peers still send may be read, only for them to see the answer: what
  /// all do together is bounded, because it is nothing but work.
  bool may_discard(std::size_t bytes);
  ByteBudget& bodies() { return bodies_; }
  ByteBudget& answers() { return answers_; }

 private:
  /// The place of an admitted connection among those of its address, which it leaves with its end.
  class Entry {
   public:
    Entry(AddressLimit* limit, asio::ip::address address, Admission admission)
        : limit_(limit), address_(std::move(address)), admission_(admission) {}
    Entry(Entry&& other) noexcept
        : limit_(std::exchange(other.limit_, nullptr)),
          address_(other.address_),
          admission_(other.admission_) {}
    Entry& operator=(Entry&&) = delete;
    ~Entry() {
      if (limit_ != nullptr) limit_->leave(address_);
    }

    const asio::ip::address& address() const { return address_; }
    const Admission& admission() const { return admission_; }
    void in_reserve() { admission_.in_reserve = true; }

   private:
    AddressLimit* limit_;  // null: nobody counts
    asio::ip::address address_;
    Admission admission_;
  };

  /// Places; those that are about to be free do not count.
  std::size_t taken() const { return connections_.size() - giving_way_; }
  base::Task<void> accept_loop();
  std::optional<Entry> admit(const asio::ip::address& address);
  std::size_t make_room();
  base::Task<void> serve(asio::ip::tcp::socket socket, Entry entry);
  void tick();

  asio::any_io_executor executor_;
  ServerOptions options_;
  Application application_;
  asio::ip::tcp::acceptor acceptor_;
  asio::ip::tcp::endpoint local_;
  std::list<Connection*> connections_;
  std::size_t giving_way_ = 0;  // of them
  ByteBudget bodies_;
  ByteBudget answers_;
  base::Waiter<bool> room_;
  std::size_t discardable_bytes_ = 0;  // until the next tick
  bool draining_ = false;
  bool ticking_ = false;
  asio::steady_timer ticker_;
  std::time_t date_second_ = 0;
  std::string date_;
  base::Gate gate_;
};

}  // namespace http
