// What a shard knows of all things of one kind, and what of a read of them is news to it.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>
#include <memory>
#include <vector>

#include "base/clock.hpp"

namespace base {

/// By Id, a Prepared each, which has `config`, a shared pointer to what is stored: with an `id`, and a
/// `version` that grows with each change. Two sources tell it: each transaction that changes something, right
/// after it, and a read of all now and then, which may be older than what was told meanwhile. Lives on one
/// thread.
template <class Id, class Prepared>
class Catalog {
 public:
  using Ptr = std::shared_ptr<const Prepared>;
  using ConfigPtr = decltype(Prepared::config);

  /// nullptr: it is not there.
  Ptr find(Id id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : found->second.prepared;
  }

  void put(Ptr prepared) {
    const Id id = prepared->config->id;
    entries_.insert_or_assign(id, Entry{std::move(prepared), steady_now()});
  }

  /// Returns what was there. A read that began before does not bring it back.
  Ptr remove(Id id, Steady now = steady_now()) {
    forget_removals(now - kReadMax);
    removals_.emplace_back(now, id);
    removed_[id] = now;
    Ptr known = find(id);
    entries_.erase(id);
    return known;
  }

  struct News {
    std::vector<ConfigPtr> fresh{};
    std::vector<Id> gone{};
  };
  /// What of a read of all is to be put, and what is to be removed because it is not among them.
  News news_of(const std::vector<ConfigPtr>& all, Steady read_began) {
    forget_removals(read_began);
    News news;
    boost::unordered_flat_set<Id, std::hash<Id>> there;
    for (const ConfigPtr& one : all) {
      if (removed_.contains(one->id)) continue;
      there.insert(one->id);
      const Ptr known = find(one->id);
      if (!known || known->config->version < one->version) news.fresh.push_back(one);
    }
    for (const auto& [id, entry] : entries_) {
      if (!there.contains(id) && entry.put < read_began) news.gone.push_back(id);
    }
    return news;
  }

 private:
  /// No read takes that long: what was removed before is in none that is still to be told.
  static constexpr auto kReadMax = std::chrono::minutes{10};

  struct Entry {
    Ptr prepared;
    Steady put{};
  };

  void forget_removals(Steady before) {
    for (; !removals_.empty() && removals_.front().first < before; removals_.pop_front()) {
      const auto& [when, id] = removals_.front();
      const auto found = removed_.find(id);
      if (found != removed_.end() && found->second == when) removed_.erase(found);
    }
  }

  boost::unordered_flat_map<Id, Entry, std::hash<Id>> entries_;
  std::deque<std::pair<Steady, Id>> removals_;  // oldest first
  boost::unordered_flat_map<Id, Steady, std::hash<Id>> removed_;
};

}  // namespace base
