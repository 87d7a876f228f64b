// How long filters take for a typical event of 1 KiB, and the longest that one can take.
#include "outbound/filter/filter.hpp"

#include <benchmark/benchmark.h>

namespace outbound {

namespace {

event::Event make_event() {
  event::Event event;
  event.type = "order.created";
  event.subject = "order/42";
  event.origin = "api";
  event.data =
      R"({"id":"ord_1842","number":1842,"currency":"EUR","channel":"web","order":{"total":129.90,)"
      R"("discount":0,"status":"paid","customer":{"id":"cus_7","country":"DE","tier":"gold"}},"items":[)";
  for (int i = 0; i < 5; ++i) {
    event.data += (i == 0 ? "" : ",") + std::string(R"({"sku":"SKU-)") + std::to_string(1000 + i) +
                  R"(","quantity":2,"price":"12.50","title":"A thing of some use"})";
  }
  event.data += R"(],"tags":["new","vip"],"note":")" + std::string(300, 'n') + "\"}";
  return event;
}

Filter make_filter(std::string text) {
  return Filter::compile(format::parse_json(std::move(text)).value().root()).value();
}

/// As for an event that came through the API, whose request has been parsed.
void run(benchmark::State& state, const std::string& text, const event::Event& event) {
  const auto data = format::parse_json(event.data).value();
  const Filter filter = make_filter(text);
  for (auto _ : state) {
    EventView view(event, {.data = &data.root()});
    benchmark::DoNotOptimize(filter.matches(view));
  }
}

const char* const kTotal = R"({"field":"data.order.total","op":"gte","value":100})";
const char* const kThree = R"({"and":[{"field":"data.order.total","op":"gte","value":99.5},
    {"field":"data.order.customer.country","op":"in","value":["FR","IT","DE"]},
    {"not":{"field":"type","op":"starts_with","value":"order.test"}}]})";

void filter_type(benchmark::State& state) {
  run(state, R"({"field":"type","op":"eq","value":"order.created"})", make_event());
}
BENCHMARK(filter_type);

void filter_number(benchmark::State& state) { run(state, kTotal, make_event()); }
BENCHMARK(filter_number);

void filter_three_conditions(benchmark::State& state) { run(state, kThree, make_event()); }
BENCHMARK(filter_three_conditions);

void filter_any_element(benchmark::State& state) {
  run(state, R"({"field":"data.items[*].sku","op":"eq","value":"SKU-1004"})", make_event());
}
BENCHMARK(filter_any_element);

void filter_contains_in_300_bytes(benchmark::State& state) {
  run(state, R"({"field":"data.note","op":"contains","value":"no such word"})", make_event());
}
BENCHMARK(filter_contains_in_300_bytes);

/// As in a fan-out, where the event comes out of the store.
void filter_number_and_parse_1kib(benchmark::State& state) {
  const event::Event event = make_event();
  const Filter filter = make_filter(kTotal);
  for (auto _ : state) {
    EventView view(event);
    benchmark::DoNotOptimize(filter.matches(view));
  }
}
BENCHMARK(filter_number_and_parse_1kib);

/// All that an evaluation may spend, on the smallest elements.
void filter_longest_list(benchmark::State& state) {
  event::Event event = make_event();
  event.data = "[0";
  for (int i = 0; i < 99'000; ++i) event.data += ",0";
  event.data += "]";
  run(state, R"({"or":[{"field":"data[*]","op":"eq","value":1},{"field":"data[*]","op":"eq","value":2}]})",
      event);
}
BENCHMARK(filter_longest_list);

/// The text and the part that memmem has most to do with.
void filter_longest_contains(benchmark::State& state) {
  event::Event event = make_event();
  event.data = "\"" + std::string(1'000'000, 'a') + "\"";
  run(state, R"({"field":"data","op":"contains","value":")" + std::string(state.range(0), 'a') + "b\"}",
      event);
}
BENCHMARK(filter_longest_contains)->Arg(30)->Arg(250)->Arg(4000)->Arg(15'000);

void compile_three_conditions(benchmark::State& state) {
  const auto document = format::parse_json(kThree).value();
  for (auto _ : state) benchmark::DoNotOptimize(Filter::compile(document.root()));
}
BENCHMARK(compile_three_conditions);

}  // namespace

}  // namespace outbound
