#include "http/byte_budget.hpp"

#include <utility>

#include "base/assert.hpp"

namespace http {

ByteBudget::Share::Share(ByteBudget& budget, Payer payer, std::function<void()> give_way)
    : budget_(budget), payer_(payer), give_way_(std::move(give_way)) {
  Account& account = budget_.accounts_[payer_];
  ++account.shares;
  place_ = account.waiting.insert(account.waiting.end(), this);
}

ByteBudget::Share::~Share() {
  settle();
  budget_.give_back(*this);
  const auto account = budget_.accounts_.find(payer_);
  if (--account->second.shares == 0) budget_.accounts_.erase(account);
}

void ByteBudget::Share::settle() {
  if (!place_) return;
  budget_.accounts_[payer_].waiting.erase(*place_);
  place_.reset();
}

bool ByteBudget::Share::take(std::size_t bytes) {
  Account& account = budget_.accounts_[payer_];
  while (!may_hold(account.bytes, budget_.bytes_, budget_.bytes_max_, bytes)) {
    auto oldest = account.waiting.begin();
    if (oldest != account.waiting.end() && *oldest == this) ++oldest;
    if (oldest == account.waiting.end()) return false;
    Share& victim = **oldest;
    victim.settle();
    budget_.give_back(victim);
    victim.give_way_();
  }
  bytes_ += bytes;
  account.bytes += bytes;
  budget_.bytes_ += bytes;
  return true;
}

void ByteBudget::give_back(Share& share) {
  accounts_[share.payer_].bytes -= share.bytes_;
  bytes_ -= share.bytes_;
  share.bytes_ = 0;
}

}  // namespace http
