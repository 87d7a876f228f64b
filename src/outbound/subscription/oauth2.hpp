// OAuth 2 client credentials (RFC 6749 §4.4): the token that the deliveries of a subscription carry.
#pragma once

#include <memory>
#include <vector>

#include "http/client.hpp"
#include "outbound/subscription/subscription.hpp"

namespace outbound {

struct OAuth2Config {
  /// How the client proves itself at the token endpoint (RFC 6749 §2.3.1).
  enum class Style : std::uint8_t { basic, body };

  std::string token_url{};
  std::string client_id{};
  base::Secret client_secret{};
  std::string scope{};     ///< empty: none is asked for
  std::string audience{};  ///< likewise
  Style style = Style::basic;
};

/// From an auth_config of OAUTH2. Error: invalid.
base::Result<OAuth2Config> read_oauth2(std::string_view auth_config);

http::OutboundRequest make_token_request(const OAuth2Config& config, std::chrono::milliseconds timeout);

struct Token {
  base::Secret text{};
  std::chrono::seconds lifetime{};
};
/// What the token endpoint's answer grants. Five minutes where it does not say how long, a day at most.
/// Error: upstream with reason OAUTH2_TOKEN, saying what is wrong, without anything secret.
base::Result<Token> read_token(const http::OutboundResponse& response);

/// One subscription's token on one shard. It is part of the prepared subscription, so a change of that begins
/// without a token.
class OAuth2Session {
 public:
  explicit OAuth2Session(OAuth2Config config) : config_(std::move(config)) {}

  /// The token that is known, until shortly before it ends; else a new one. Those who ask while it is being
  /// fetched get the same answer, good or bad: there is one request at a time. Errors as of read_token.
  static base::Task<std::string> token(std::shared_ptr<OAuth2Session> self, http::Client& client,
                                       const base::Clock& clock, std::chrono::milliseconds timeout);

  /// Forgets this token, which a receiver has refused; a newer one stays.
  void drop(std::string_view refused);

 private:
  using Outcome = std::shared_ptr<const base::Result<std::string>>;

  OAuth2Config config_;
  base::Secret token_;
  base::Steady renew_{};  // when a new one is wanted
  bool fetching_ = false;
  std::vector<base::Waiter<Outcome>*> waiting_;  // for the one that fetches
};

}  // namespace outbound
