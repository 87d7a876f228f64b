// A hub somewhere, as commands speak to it: its API with a key.
#pragma once

#include "format/json.hpp"
#include "http/plain_client.hpp"

namespace cli {

/// Empty members are taken from CROSSDOCK_URL, CROSSDOCK_API_KEY, CROSSDOCK_TENANT and CROSSDOCK_CA_FILE.
struct RemoteOptions {
  std::string url{};
  std::string token{};
  std::string tenant{};
  std::string ca_file{};  ///< PEM of the authorities that certificates may be from; empty: the system's
};

/// Set by SIGINT and SIGTERM after catch_signals(); the second of the same signal ends the program.
const std::atomic<bool>& stop_flag();
void catch_signals();

class Remote {
 public:
  /// Error: invalid, when the URL is none, no key is given, or the file of authorities cannot be used.
  static base::Result<Remote> make(const RemoteOptions& options);

  /// One call with a JSON body, or none. Errors: what the API says (with its code and request id), mapped
  /// from the status; unavailable when it cannot be reached.
  base::Result<format::Document> call(const std::string& method, const std::string& path,
                                      const std::string& body = {});
  /// The same of what has happened already, which the server must learn: a signal does not end it, five
  /// seconds do.
  base::Result<format::Document> report(const std::string& method, const std::string& path,
                                        const std::string& body);
  /// Follows a stream from its beginning to its end. Errors as above.
  base::Result<void> follow(const std::string& path, const http::PlainClient::Sink& sink);

  const std::string& url() const { return url_; }
  const std::string& token() const { return token_; }
  const std::string& ca_file() const { return ca_file_; }

 private:
  Remote(std::string url, std::string token, std::string tenant, std::string ca_file);
  http::PlainRequest request(const std::string& method, const std::string& path) const;
  http::PlainRequest with_body(const std::string& method, const std::string& path,
                               const std::string& body) const;
  base::Result<format::Document> ask(http::PlainClient& client, const http::PlainRequest& wanted) const;

  std::string url_;
  std::string token_;
  std::string tenant_;
  std::string ca_file_;
  std::unique_ptr<http::PlainClient> calls_;
  std::unique_ptr<http::PlainClient> reports_;
  std::unique_ptr<http::PlainClient> streams_;
};

/// Prints the error; returns the exit status that says of what kind it is: 1 failed, 2 wrong usage, 3 not
/// found, 4 not allowed, 5 conflict, 6 cannot be reached.
int report_remote(const base::Error& error);
/// Prints it; returns 2.
int report_usage(const base::Error& error);

/// "%2F" for '/': a segment of a path, or a value of a query.
std::string percent_encode(std::string_view text);

/// The text of a member; "" where it is absent, null or no string.
std::string text_of(const format::Value& object, std::string_view key);

}  // namespace cli
