#include "outbound/fanout/matching.hpp"

namespace outbound {

namespace {

constexpr std::size_t kLargeBytes = 64 << 10;
constexpr std::size_t kManyCandidates = 1000;

}  // namespace

Matching::Matching(std::vector<PreparedPtr> candidates, const event::Event& event, SubscriptionId after)
    : candidates_(std::move(candidates)), view_(event), after_(after) {}

bool Matching::is_large() const {
  return candidates_.size() > kManyCandidates || view_.event().bytes() > kLargeBytes;
}

void Matching::go_on(std::size_t found_max, std::size_t& steps) {
  if (!std::exchange(sorted_, true)) {
    const auto id = [](const PreparedPtr& one) { return one->config->id; };
    std::ranges::sort(candidates_, {}, id);
    next_ =
        static_cast<std::size_t>(std::ranges::upper_bound(candidates_, after_, {}, id) - candidates_.begin());
  }
  for (; next_ < candidates_.size() && found_.size() < found_max; ++next_) {
    const Prepared& one = *candidates_[next_];
    const Fate fate = ask(one, steps);
    if (fate == Fate::undecided) return;
    found_.push_back({&one, fate});
  }
}

Fate Matching::ask(const Prepared& subscription, std::size_t& steps) {
  const Filter* const filter = subscription.filter.get();
  if (filter == nullptr) return fate_of(subscription, view_, steps);
  const auto known = answers_.find(filter);
  if (known != answers_.end()) return fate_of(subscription, known->second);
  const Fate fate = fate_of(subscription, view_, steps);
  if (fate != Fate::undecided) {
    answers_.emplace(filter, fate == Fate::filtered ? Filter::Answer::no : Filter::Answer::yes);
  }
  return fate;
}

}  // namespace outbound
