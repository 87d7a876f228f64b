#include "queue/breaker.hpp"

#include <algorithm>

namespace queue {

Breaker::State Breaker::state(base::Time now) const {
  if (!open_) return State::closed;
  return now < open_->until ? State::open : State::half_open;
}

void Breaker::restore(const Open& open) {
  successes_ = 0;
  open_ = open;
}

void Breaker::reset() {
  failures_ = 0;
  successes_ = 0;
  open_.reset();
}

std::optional<Breaker::Change> Breaker::ended(const Policy& policy, End end, base::Time now) {
  if (!open_) {
    failures_ = end.success ? 0 : failures_ + 1;
    if (failures_ < policy.failures) return std::nullopt;
    return opened(Change::Kind::opened, policy.open, now);
  }
  if (!end.probe) return std::nullopt;
  if (!end.success) {
    const auto longest = std::max(policy.open_max, policy.open);
    return opened(Change::Kind::reopened, std::min(open_->span * 2, longest), now);
  }
  if (++successes_ < policy.successes) return std::nullopt;
  open_.reset();
  failures_ = 0;
  return Change{Change::Kind::closed};
}

Breaker::Change Breaker::opened(Change::Kind kind, std::chrono::seconds span, base::Time now) {
  successes_ = 0;
  span = std::max(span, std::chrono::seconds{1});
  open_ = {now + span, span, open_ ? open_->since : now};
  return {kind, open_};
}

}  // namespace queue
