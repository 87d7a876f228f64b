// A figure and what it must reach.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/json_writer.hpp"

namespace bench {

struct Bar {
  enum class Sense : std::uint8_t { at_least, at_most };

  std::string name;  ///< "delivered_ratio"
  double value = 0;
  Sense sense = Sense::at_least;
  double limit = 0;

  bool met() const { return sense == Sense::at_least ? value >= limit : value <= limit; }
};

/// A line for each: "delivered_ratio 0.987, at least 0.95: met".
std::string render_bars(const std::vector<Bar>& bars);
void write_bars(JsonWriter& json, const std::vector<Bar>& bars);

}  // namespace bench
