// How a sender proves that a request is its own: one set of parameters for all of them, and the one engine
// that verifies and signs by it.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "crypto/digest.hpp"
#include "crypto/public_key.hpp"
#include "crypto/recipe.hpp"

namespace crypto {

/// At most so many signatures of a request are tried with at most so many secrets.
inline constexpr std::size_t kSignaturesTriedMax = 16;
inline constexpr std::size_t kSchemeKeysMax = 8;

/// A value that may depend on another one of the request.
template <class T>
struct Choice {
  std::optional<Location> by{};
  std::vector<std::pair<std::string, T>> cases{};  ///< without `by` one, whose name means nothing
};

/// The parameters (docs/signatures.md tells users what each means). Immutable once read.
struct Scheme {
  enum class Kind : std::uint8_t {
    hmac,
    digest,  ///< a plain hash, with the secret in the content
    public_key,
    token,  ///< the secret itself
    basic,  ///< HTTP Basic; the secret is user:password
    jwt,
    none
  };
  enum class Encoding : std::uint8_t { hex, base64, base64url, raw };
  using Algorithm = std::variant<Hash, PublicAlgorithm>;

  struct Timestamp {
    enum class Unit : std::uint8_t { seconds, milliseconds, iso };
    std::vector<Location> at{};
    Unit unit = Unit::seconds;
    std::chrono::seconds tolerance{300};  ///< in both directions; 0: it must be there and may be any
  };
  struct KeyRule {
    enum class Encoding : std::uint8_t { utf8, base64, hex, pem, spki_base64, ed25519_hex, ed25519_base64 };
    enum class Source : std::uint8_t {
      secret,
      certificate,  ///< the sender's, whose URL stands in the request
      capture,      ///< a secret that the sender tells in a handshake
      key_set       ///< one of the public keys that the sender shows at a URL, by the token's kid
    };
    std::string strip{};  ///< what the secret's text may begin with
    Encoding encoding = Encoding::utf8;
    bool sha256 = false;  ///< the key is the hash of that
    Source source = Source::secret;
    std::optional<Location> certificate_at{};  ///< of certificate: where its URL stands
    std::string pattern{};                     ///< RE2: what such a URL must be
    std::string set_url{};                     ///< of key_set
    std::optional<Recipe> set_query{};         ///< what is posted there for one key; none: the set is got

    /// Whether an endpoint's secret is used at all: certificates and sets of keys are shown to anybody.
    bool uses_secret() const {
      return source == Source::secret || source == Source::capture ||
             (source == Source::key_set && set_query && set_query->has_secret());
    }
  };
  enum class Url : std::uint8_t { configured, port_variants, hubspot_decoded };
  struct Claim {
    Location at{};
    Recipe value{};
  };
  struct Condition {
    Location at{};
    std::optional<Recipe> value{};  ///< none: it is there
    bool absent = false;            ///< nothing is there
  };
  struct Answer {
    int status = 200;
    std::string type{};
    std::vector<std::pair<std::string, Recipe>> headers{};
    Recipe body{};

    /// Whether a part of it is a signature of what it is asked with.
    bool signs() const;
  };
  /// A handshake: a request that the sender makes to see whether we are who it looks for.
  struct Challenge {
    std::string method{};  ///< empty: any
    std::vector<Condition> when{};
    bool checked = true;  ///< the signature is verified before
    std::vector<std::pair<std::string, Location>> capture{};
    std::optional<Location> fetch{};  ///< a URL that is to be got
    std::string fetch_pattern{};      ///< RE2: what it must be
    Answer answer{};
  };
  struct Reply {
    int ok = 200;
    std::optional<int> bad{};  ///< with nothing but this status; none: 401 with a problem
    std::string type{};
    std::optional<Recipe> body{};
  };

  Kind kind = Kind::hmac;
  Choice<Algorithm> algorithm{};
  std::vector<PublicAlgorithm> token_algorithms{};  ///< of jwt, beside HS256
  bool token_hs256 = false;
  std::vector<Location> signature{};  ///< the first one that is there counts
  std::string separator{};
  std::string prefix{};
  /// Of signing: the list's items in order, the prefix for the signatures, the timestamp's name for it, and
  /// others as they are; empty: the timestamp, then the signatures.
  std::vector<std::string> order{};
  Encoding encoding = Encoding::hex;
  Choice<Recipe> content{};
  std::optional<Timestamp> timestamp{};
  std::vector<Location> id{};       ///< the first one that is there counts
  std::optional<Recipe> id_hash{};  ///< or the hash of this
  bool id_suffices = false;         ///< two requests with one id are one event, whatever else differs
  KeyRule key{};
  std::optional<Location> each{};  ///< the body is a batch, whose elements are there
  std::string item{};              ///< a member of each element, which has what matters
  Url url = Url::configured;
  std::vector<Claim> claims{};
  std::vector<Challenge> challenges{};
  Reply reply{};

  /// Whether each element of a batch has a signature of its own.
  bool signs_elements() const;
  /// Whether a handshake that nothing verifies is answered with a signature by the key.
  bool signs_for_strangers() const;
};

/// A secret of an endpoint, ready for its scheme. Immutable, thread-safe.
class SchemeKey {
 public:
  /// Error: invalid, when the text is not what the scheme's key rule asks for; the message never holds it.
  static base::Result<SchemeKey> make(const Scheme& scheme, std::string_view secret);
  /// A key that came from elsewhere: a certificate or a set of keys.
  explicit SchemeKey(PublicKey key) : public_(std::move(key)) {}

  std::string_view text() const { return text_.reveal(); }
  const HmacKey* hmac() const { return hmac_ ? &*hmac_ : nullptr; }
  const PublicKey* public_key() const { return public_ ? &*public_ : nullptr; }

 private:
  SchemeKey() = default;

  base::Secret text_;
  std::optional<HmacKey> hmac_;
  std::optional<PublicKey> public_;
};

/// Whether a secret is a public key or a certificate in PEM, which anybody may have.
bool is_public_text(std::string_view secret);

/// What came of verifying a request; too_much_work says why in its detail.
struct Check {
  enum class Step : std::uint8_t {
    passed,
    signature_missing,
    timestamp_missing,
    timestamp_unreadable,
    timestamp_outside,
    signature_unreadable,
    signature_differs,
    claim_differs,
    key_missing,
    too_much_work
  };
  Step step = Step::passed;
  std::string detail{};              ///< for whoever owns the endpoint; holds no secret
  std::optional<std::size_t> key{};  ///< which one fits
  std::string expected{};            ///< of signature_differs: the first bytes, as they are written
  std::string got{};

  bool passed() const { return step == Step::passed; }
};
/// "timestamp_outside": the word for logs and the API.
std::string_view name(Check::Step step);

/// Compares in constant time; any signature may fit any key. request is the whole, or an element where the
/// scheme signs elements. Takes no longer for a wrong first byte than for a wrong last one.
Check check(const Scheme& scheme, std::span<const SchemeKey* const> keys, const RequestView& request,
            base::Time now);

/// The URL as the scheme signs it, in each way that there is.
std::vector<std::string> signed_urls(const Scheme& scheme, const RequestView& request);

/// The sender's name of what the request (or its element) is about; nothing when it has none.
struct EventName {
  std::string text{};
  bool is_hash = false;  ///< by the scheme's id_hash
};
std::optional<EventName> event_id(const Scheme& scheme, const RequestView& request);

/// The handshake that the request is, if it is one. Conditions that compare with a secret take any of the
/// keys.
const Scheme::Challenge* find_challenge(const Scheme& scheme, std::span<const SchemeKey* const> keys,
                                        const RequestView& request);
/// Whether a text is one that handshakes sign for strangers: at most 256 letters, digits and -_.~+/=. No
/// signature of such a text counts for a webhook where there is such a handshake.
bool is_handshake_text(std::string_view text);
/// What an answer may have.
inline constexpr std::size_t kFilledBytesMax = 64 << 10;
/// The body of an answer, or of a header of it; empty, and a problem of the request's work(), where it would
/// be longer than that.
std::string fill(const Recipe& recipe, const SchemeKey* key, const RequestView& request);

/// A member of the head of the token that the request is signed with; nothing where there is none.
std::optional<std::string> token_head(const Scheme& scheme, const RequestView& request,
                                      std::string_view member);
/// What the owner of a set of keys is asked, of the key of this request.
std::string key_query(const Scheme& scheme, const SchemeKey* secret, const RequestView& request);

/// What a sender adds to a request. request has neither yet.
struct Signing {
  std::string id{};
  base::Time at{};
  const PrivateKey* private_key = nullptr;  ///< of kinds that sign by a key pair
};
/// Headers to add, in order. Error: invalid, when the scheme puts its signature elsewhere, or the key does
/// not fit.
base::Result<std::vector<std::pair<std::string, std::string>>> sign(const Scheme& scheme,
                                                                    std::span<const SchemeKey* const> keys,
                                                                    const RequestView& request,
                                                                    const Signing& signing);

}  // namespace crypto
