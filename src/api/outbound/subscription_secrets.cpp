// /api/v1/webhooks/subscriptions/:id/rotate-secret and revoke-secret.
#include "api/outbound/routes.hpp"
#include "api/outbound/subscription_change.hpp"
#include "api/outbound/subscription_input.hpp"
#include "outbound/subscription/book.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using outbound::SigningSecret;
using outbound::Subscription;
using outbound::SubscriptionId;
using outbound::SubscriptionPtr;

constexpr std::int64_t kOverlapDefault = 24 * 3600;
constexpr std::int64_t kOverlapMax = 30 * 24 * 3600;

/// What a rotation asks for, read against the subscription as it is.
struct Rotation {
  std::chrono::seconds overlap{};
  base::Secret secret{};
};

Result<Rotation> read_rotation(const format::Value& body, Subscription& subscription, base::Time now) {
  Input input(body, "#");
  Rotation rotation;
  rotation.overlap =
      std::chrono::seconds{input.integer("overlap_seconds", 0, kOverlapMax).value_or(kOverlapDefault)};
  Members members(input, Reading::patch);
  read_signing(input, members, subscription);
  rotation.secret = read_secret(input, subscription.signing_scheme);
  check_headers_differ(input, subscription);
  const auto same = [&](const SigningSecret& known) {
    return known.active(now) && known.text.reveal() == rotation.secret.reveal();
  };
  if (std::ranges::any_of(subscription.secrets, same))
    input.error("secret_key", "INVALID", "this secret signs already; give another, or none");
  XD_DO(input.finish());
  return rotation;
}

/// The fresh secret signs from now on; those before it for the overlap, where they fit the scheme.
Result<void> rotate(Call& call, db::Tx& tx, Subscription& subscription, const Rotation& rotation,
                    base::Time now) {
  const auto until = [&](const SigningSecret& old) {
    const bool goes_on = outbound::can_go_on_signing(subscription.signing_scheme, old.text.reveal());
    return goes_on ? now + rotation.overlap : now;
  };
  XD_TRY(const bool room,
         tenant::rotate_secrets(tx, call.services.ring, subscription.secret_owner(), subscription.secrets,
                                tenant::make_signing_secret(rotation.secret.clone(), now), until));
  if (!room) {
    return fail(Code::conflict,
                "four secrets are valid already; wait until the overlap of one has ended, or revoke one");
  }
  XD_DO(outbound::prepare(std::make_shared<const Subscription>(subscription.copy())));
  return {};
}

/// Ends what signs beside the current secret and has this fingerprint.
Result<void> revoke(db::Tx& tx, Subscription& subscription, std::string_view fingerprint, base::Time now) {
  bool found = false;
  for (SigningSecret& secret : subscription.secrets) {
    if (secret.fingerprint != fingerprint || !secret.active(now)) continue;
    if (!secret.valid_until)
      return fail(Code::conflict, "this is the current secret; rotate it first, then revoke it");
    secret.valid_until = now;
    XD_DO(tenant::end_secret(tx, subscription.secret_owner(), secret.id, now));
    found = true;
  }
  if (!found)
    return fail(Code::not_found, "no secret with this fingerprint signs; signing_secrets lists them");
  XD_DO(tenant::drop_ended_secrets(tx, subscription.secret_owner(), now));
  std::erase_if(subscription.secrets, [&](const SigningSecret& secret) { return !secret.active(now); });
  return {};
}

}  // namespace

base::Task<http::Response> rotate_subscription_secret(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto document, co_await read_json_if_any(call));
  const base::Time now = call.services.clock.now();
  co_return co_await change_once(call, [&](db::Tx& tx) -> Result<Answer> {
    Rotation rotation;
    const auto edit = [&](Subscription& subscription) -> Result<void> {
      XD_TRY(rotation, read_rotation(document.root(), subscription, now));
      return rotate(call, tx, subscription, rotation, now);
    };
    XD_TRY(const Answer changed, change_subscription(call, tx, id, "subscription.secret_rotated", edit));
    XD_TRY(const SubscriptionPtr known, find_subscription_or_fail(call, tx, id));
    XD_TRY(const auto stats, outbound::find_stats(tx, id));
    return Answer{200, subscription_json(*known, stats, now, rotation.secret.reveal()), changed.version};
  });
}

base::Task<http::Response> revoke_subscription_secret(Call& call) {
  XD_CO_TRY(const auto id, id_param<SubscriptionId>(call, "id"));
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const std::string fingerprint = input.required_text("fingerprint", 100).value_or("");
  XD_CO_DO(input.finish());
  const base::Time now = call.services.clock.now();
  co_return co_await change_once(call, [&](db::Tx& tx) {
    return change_subscription(call, tx, id, "subscription.secret_revoked", [&](Subscription& subscription) {
      return revoke(tx, subscription, fingerprint, now);
    });
  });
}

}  // namespace api
