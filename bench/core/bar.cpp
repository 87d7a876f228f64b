#include "core/bar.hpp"

#include "core/print.hpp"

namespace bench {

std::string render_bars(const std::vector<Bar>& bars) {
  std::string text;
  for (const Bar& bar : bars) {
    text += print("%-28s %10.4g  %s %.4g: %s\n", bar.name.c_str(), bar.value,
                  bar.sense == Bar::Sense::at_least ? "at least" : "at most", bar.limit,
                  bar.met() ? "met" : "MISSED");
  }
  return text;
}

void write_bars(JsonWriter& json, const std::vector<Bar>& bars) {
  json.open_array("bars");
  for (const Bar& bar : bars) {
    json.open_object()
        .member("name", bar.name)
        .member("value", bar.value)
        .member(bar.sense == Bar::Sense::at_least ? "at_least" : "at_most", bar.limit)
        .member("met", bar.met() ? "yes" : "no")
        .close_object();
  }
  json.close_array();
}

}  // namespace bench
