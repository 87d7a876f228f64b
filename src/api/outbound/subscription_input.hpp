// A subscription as the API reads and writes it.
#pragma once

#include "api/outbound/signing_input.hpp"

namespace api {

/// Applies the body's members to the subscription. Everything that is wrong is noted in the input, which the
/// caller finishes; then the subscription can be prepared.
void read_subscription(Call& call, Input& input, Reading reading, outbound::Subscription& subscription);

/// All columns of mission 4 but the secrets, of which only what is valid now is told; secret_key is written
/// when it is given (it is shown once). broken: why it cannot be used, where it can be read.
std::string subscription_json(const outbound::Subscription& subscription,
                              const outbound::SubscriptionStats& stats, base::Time now,
                              std::string_view secret_key = {}, std::string_view broken = {});

}  // namespace api
