#include "scenarios/recovery/backlog.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <thread>

#include "core/clock.hpp"
#include "hub/in_parallel.hpp"

namespace bench {

namespace {

constexpr std::size_t kBatchEvents = 500;
constexpr auto kRest = std::chrono::milliseconds(50);
constexpr std::size_t kQuotedBytesMax = 400;

/// The numbers of one batch's events, all of one tenant.
std::vector<std::uint32_t> numbers_of(const BacklogPlan& plan, std::size_t batch) {
  const std::size_t tenant = batch % plan.tenants;
  std::vector<std::uint32_t> numbers;
  std::size_t seq = tenant + batch / plan.tenants * kBatchEvents * plan.tenants;
  for (; seq < plan.events && numbers.size() < kBatchEvents; seq += plan.tenants) {
    numbers.push_back(static_cast<std::uint32_t>(seq));
  }
  return numbers;
}

HttpAnswer post_until_taken(HttpClient& client, const std::string& api_key, const std::string& body) {
  const HttpClient::Headers headers = {{"Authorization", "Bearer " + api_key}};
  for (;;) {
    HttpAnswer answer = client.request("POST", "/api/v1/events/batch", headers, body);
    if (answer.status == 202) return answer;
    if (answer.status != 429 && answer.status != 503) {
      throw std::runtime_error("a batch was answered " + std::to_string(answer.status) + ": " +
                               answer.body.substr(0, kQuotedBytesMax));
    }
    std::this_thread::sleep_for(kRest);
  }
}

}  // namespace

std::vector<Uuid> ids_of_batch(std::string_view answer, std::size_t count) {
  constexpr std::string_view kMember = "\"id\":\"";
  constexpr std::size_t kIdCharacters = 36;
  std::vector<Uuid> ids;
  for (std::size_t at = answer.find(kMember); at != std::string_view::npos; at = answer.find(kMember, at)) {
    at += kMember.size();
    if (const auto id = parse_uuid(answer.substr(at, kIdCharacters))) ids.push_back(*id);
  }
  if (ids.size() != count) {
    throw std::runtime_error("the answer to a batch of " + std::to_string(count) + " events has " +
                             std::to_string(ids.size()) +
                             " ids: " + std::string(answer.substr(0, kQuotedBytesMax)));
  }
  return ids;
}

void publish_backlog(const BacklogPlan& plan, const std::vector<Route>& routes, Ledger& ledger) {
  std::vector<EventRequest> requests;
  requests.reserve(routes.size());
  for (const Route& route : routes) requests.emplace_back(route, plan.port, plan.payload_bytes);
  const std::int64_t unix_us = read_clock_ns(CLOCK_REALTIME) / 1000;
  std::vector<Uuid> ids(plan.events);
  const std::size_t per_tenant = (plan.events + plan.tenants - 1) / plan.tenants;
  const std::size_t batches = (per_tenant + kBatchEvents - 1) / kBatchEvents * plan.tenants;
  in_parallel(plan.port, batches, [&](HttpClient& client, std::size_t batch) {
    const std::vector<std::uint32_t> numbers = numbers_of(plan, batch);
    if (numbers.empty()) return;
    std::string body = "{\"events\":[";
    for (const std::uint32_t seq : numbers) {
      if (seq != numbers.front()) body += ',';
      requests[seq % routes.size()].append_body(body, seq, unix_us);
    }
    body += "]}";
    const std::string& key = routes[numbers.front() % routes.size()].api_key;
    const std::vector<Uuid> given = ids_of_batch(post_until_taken(client, key, body).body, numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) ids[numbers[i]] = given[i];
  });
  const std::int64_t now = now_ns();
  for (const Uuid& id : ids) {
    const auto seq = ledger.issue(now, now);
    ledger.accept(seq.value(), id, now);
  }
}

}  // namespace bench
