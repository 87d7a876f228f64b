// Memory that requests or answers under way may hold together, shared fairly between those who cause them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>

namespace http {

/// Whom the memory of a request is charged to, as the application says: a number of the tenant. 0 stands for
/// everybody who is not known.
using Payer = std::uint64_t;

/// Whether somebody may hold so many bytes more: as long as he then holds no more than is left for others.
/// One alone gets a half, two at full force get a third each, and whoever holds little always finds room,
/// with no share that would have to be set (dynamic thresholds; Choudhury and Hahne, 1998).
constexpr bool may_hold(std::size_t by_payer, std::size_t by_all, std::size_t bytes_max, std::size_t more) {
  return by_all + more <= bytes_max && by_payer + more <= bytes_max - by_all - more;
}

/// Lives on one thread. Where a payer may hold no more, what he has kept waiting the longest gives way;
/// others never do.
class ByteBudget {
 public:
  explicit ByteBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  ByteBudget(const ByteBudget&) = delete;
  ByteBudget& operator=(const ByteBudget&) = delete;

  /// What one request or answer holds, given back with its end.
  class Share {
   public:
    /// give_way is called when it has to end for another of the same payer; not from within its own calls.
    Share(ByteBudget& budget, Payer payer, std::function<void()> give_way);
    ~Share();
    Share(const Share&) = delete;
    Share& operator=(const Share&) = delete;

    /// Holds so many bytes more; false where there is no room for them, also by making others of the payer
    /// give way.
    [[nodiscard]] bool take(std::size_t bytes);
    /// Waits for nobody outside any more: from here on it need not give way.
    void settle();
    std::size_t bytes() const { return bytes_; }

   private:
    friend class ByteBudget;
    ByteBudget& budget_;
    Payer payer_;
    std::size_t bytes_ = 0;
    std::function<void()> give_way_;
    std::optional<std::list<Share*>::iterator> place_;  // among those that may give way
  };

  std::size_t bytes() const { return bytes_; }
  std::size_t bytes_max() const { return bytes_max_; }

 private:
  struct Account {
    std::size_t bytes = 0;
    std::size_t shares = 0;
    std::list<Share*> waiting;  // the oldest first
  };
  void give_back(Share& share);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::unordered_map<Payer, Account> accounts_;
};

}  // namespace http
