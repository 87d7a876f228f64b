// A real PostgreSQL server that belongs to a test.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace testing {

struct PostgresServerOptions {
  std::string directory{};              ///< where it lives; empty: a temporary one, removed at the end
  std::vector<std::string> settings{};  ///< "name=value", as in postgresql.conf
  bool outlives_us = false;             ///< goes on running when this process ends
};

/// A PostgreSQL of its own, reached through a Unix socket in its directory, trusting everybody who may enter
/// there; its fsync is on. It dies with the thread that made this object. Run as root it becomes the user
/// postgres, because PostgreSQL refuses root. Failures throw: a test that needs a server must not pass
/// without one.
class PostgresServer {
 public:
  explicit PostgresServer(PostgresServerOptions options = {});
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  /// "postgresql://postgres@/postgres?host=…"
  const std::string& url() const { return url_; }

  /// Ends it without any goodbye, as a crash would ("immediate"); what was acknowledged must survive.
  void crash();
  /// Starts it again after crash(), and waits until it takes connections.
  void restart();

  /// From hide() to reveal() nobody can connect; connections that are open stay.
  void hide();
  void reveal();

  /// The server that all tests share: the one at CROSSDOCK_TEST_POSTGRES (a URL), else one that is started
  /// the first time and ends with this process.
  static const std::string& shared_url();

 private:
  void initialise();
  void launch();
  void wait_until_ready();
  void stop(int signal);
  std::string socket() const { return directory_ + "/.s.PGSQL.5432"; }
  std::string log_tail() const;

  PostgresServerOptions options_;
  std::string directory_;
  std::string url_;
  pid_t process_ = -1;
};

/// The URL of a server that lives in the directory.
std::string postgres_url(const std::string& directory);

/// Ends the server that was left running in the directory, if any, and removes both.
void remove_postgres(const std::string& directory);

}  // namespace testing
