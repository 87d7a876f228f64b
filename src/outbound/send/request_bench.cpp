// What it costs to make the request of one delivery: body, signature, headers.
#include "outbound/send/request.hpp"

#include <benchmark/benchmark.h>

#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

event::Event make_large_event() {
  event::Event event = *make_event(TenantId::make(kNow));
  event.subject = "order/42";
  event.data = R"({"id":42,"lines":[)";
  for (int i = 0; i < 20; ++i) {
    event.data +=
        std::string(i == 0 ? "" : ",") + R"({"sku":"A-)" + std::to_string(i) + R"(","price":"19.90"})";
  }
  event.data += R"(],"note":")" + std::string(200, 'x') + R"("})";
  return event;
}

void make(benchmark::State& state, const Subscription& given, std::string secret) {
  Subscription subscription = given.copy();
  SigningSecret signing = make_secret('A');
  if (!secret.empty()) signing.text = base::Secret(std::move(secret));
  subscription.secrets.push_back(std::move(signing));
  const Prepared prepared = prepare(share(std::move(subscription))).value();
  const event::Event event = make_large_event();
  for (auto _ : state) {
    auto request =
        make_request({.subscription = &prepared, .event = &event, .tenant_name = "Acme", .now = kNow});
    benchmark::DoNotOptimize(request);
  }
}

Subscription with(SigningScheme scheme, PayloadFormat format = PayloadFormat::standard) {
  Subscription subscription = make_subscription(TenantId::make(kNow));
  subscription.signing_scheme = scheme;
  subscription.payload_format = format;
  return subscription;
}

void standard(benchmark::State& state) { make(state, with(SigningScheme::standard), ""); }
BENCHMARK(standard);

void standard_v1a(benchmark::State& state) {
  const std::string key(generate_secret(SigningScheme::standard_v1a).reveal());
  make(state, with(SigningScheme::standard_v1a), key);
}
BENCHMARK(standard_v1a);

void github(benchmark::State& state) { make(state, with(SigningScheme::github), ""); }
BENCHMARK(github);

void stripe(benchmark::State& state) { make(state, with(SigningScheme::stripe), ""); }
BENCHMARK(stripe);

void hmac_header(benchmark::State& state) {
  Subscription subscription = with(SigningScheme::hmac_header);
  subscription.signing_config = R"({"header":"X-Sig","content":"v0:{timestamp}:{body}"})";
  make(state, subscription, "");
}
BENCHMARK(hmac_header);

void cloud_event(benchmark::State& state) {
  make(state, with(SigningScheme::standard, PayloadFormat::cloudevents), "");
}
BENCHMARK(cloud_event);

void cloud_event_binary(benchmark::State& state) {
  make(state, with(SigningScheme::standard, PayloadFormat::cloudevents_binary), "");
}
BENCHMARK(cloud_event_binary);

void form(benchmark::State& state) {
  Subscription subscription = with(SigningScheme::standard, PayloadFormat::raw);
  subscription.content_type = "application/x-www-form-urlencoded";
  make(state, subscription, "");
}
BENCHMARK(form);

}  // namespace

}  // namespace outbound
