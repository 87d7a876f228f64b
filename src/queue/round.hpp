// Whose turn it is: deficit round robin over tenants, round robin over a tenant's lanes.
#pragma once

#include <deque>
#include <unordered_map>

#include "queue/task.hpp"

namespace queue {

/// Holds lanes that can run, each once. A tenant may spend kQuantum in a turn; what a task costs is told by
/// the caller. Credit is not saved up by one that has nothing to spend on. Lane is kept by pointer and
/// outlives this.
template <class Lane>
class Round {
 public:
  bool empty() const { return round_.empty(); }

  void add(base::TenantId id, Lane& lane) {
    Tenant& tenant = tenants_[id];
    tenant.lanes.push_back(&lane);
    enlist(tenant);
  }
  /// The same for the lane that was taken last, whose turn goes on.
  void keep(base::TenantId id, Lane& lane) {
    Tenant& tenant = tenants_[id];
    tenant.lanes.push_front(&lane);
    enlist(tenant);
  }

  /// The lane whose turn it is, taken out; nullptr when there is none. The caller adds it again if it can go
  /// on, and says with spend() what its task cost; one that took nothing is passed over for free.
  Lane* take() {
    while (!round_.empty()) {
      Tenant& tenant = *round_.front();
      if (tenant.lanes.empty()) {
        tenant.deficit = 0;
        tenant.listed = false;
        round_.pop_front();
        continue;
      }
      if (tenant.deficit <= 0) tenant.deficit += kQuantum;
      if (tenant.deficit <= 0) {  // it still pays for a large task
        pass_turn();
        continue;
      }
      Lane* lane = tenant.lanes.front();
      tenant.lanes.pop_front();
      return lane;
    }
    return nullptr;
  }

  /// Charges the tenant whose lane was taken last.
  void spend(base::TenantId id, std::int64_t cost) {
    Tenant& tenant = tenants_[id];
    tenant.deficit -= cost;
    if (tenant.deficit <= 0 && !round_.empty() && round_.front() == &tenant) pass_turn();
  }

 private:
  /// A few small tasks, so that turns are short.
  static constexpr std::int64_t kQuantum = 8;

  struct Tenant {
    std::deque<Lane*> lanes;
    std::int64_t deficit = 0;
    bool listed = false;
  };

  void enlist(Tenant& tenant) {
    if (tenant.listed) return;
    tenant.listed = true;
    round_.push_back(&tenant);
  }

  void pass_turn() {
    round_.push_back(round_.front());
    round_.pop_front();
  }

  std::unordered_map<base::TenantId, Tenant> tenants_;  // their addresses are stable
  std::deque<Tenant*> round_;
};

}  // namespace queue
