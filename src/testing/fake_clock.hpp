// A clock that stands still until a test moves it.
#pragma once

#include "base/clock.hpp"

namespace testing {

class FakeClock final : public base::Clock {
 public:
  base::Time now() const override { return now_; }
  base::Steady steady() const override { return base::Steady{now_.time_since_epoch()}; }
  void advance(std::chrono::microseconds span) { now_ += span; }

 private:
  base::Time now_ = base::from_micros(1'700'000'000'000'000);
};

}  // namespace testing
