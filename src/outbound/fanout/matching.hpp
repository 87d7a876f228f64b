// An event and very many subscriptions of whose types it is: what becomes of it at each, found out in slices.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>

#include "outbound/fanout/skipped.hpp"

namespace outbound {

/// Goes through them in the order of their ids. Any thread may go on, one after the other.
class Matching {
 public:
  /// Those behind `after`. The event outlives it.
  Matching(std::vector<PreparedPtr> candidates, const event::Event& event, SubscriptionId after);

  struct Found {
    const Prepared* subscription = nullptr;
    Fate fate = Fate::undecided;
  };
  /// Goes on until so many are found, or the steps do not suffice for the next one; takes those that were
  /// used. With kSlice steps it always gets further.
  void go_on(std::size_t found_max, std::size_t& steps);
  static constexpr std::size_t kSlice = 2 * base::limits::kFilterStepsMax;

  /// What was found since they were taken last. They stay where they are as long as this does.
  std::vector<Found> take() { return std::exchange(found_, {}); }
  std::size_t found() const { return found_.size(); }
  bool is_over() const { return next_ == candidates_.size(); }
  /// Whether the first step takes long already: there is much to sort, or to parse.
  bool is_large() const;

 private:
  Fate ask(const Prepared& subscription, std::size_t& steps);

  std::vector<PreparedPtr> candidates_;
  EventView view_;
  SubscriptionId after_;
  bool sorted_ = false;
  std::size_t next_ = 0;
  std::vector<Found> found_;
  /// Filters are shared by the subscriptions that have the same.
  boost::unordered_flat_map<const Filter*, Filter::Answer> answers_;
};

}  // namespace outbound
