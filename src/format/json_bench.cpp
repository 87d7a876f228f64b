// How long a typical event, 1 KiB in 20 fields, takes to be read and to be written.
#include "format/json.hpp"

#include <benchmark/benchmark.h>

#include <array>

namespace format {

namespace {

constexpr std::size_t kEventBytes = 1024;

struct Field {
  const char* key;
  const char* text;
};
constexpr std::array<Field, 12> kTexts{{
    {"type", "order.created"},
    {"source", "shop/checkout"},
    {"customer_email", "maria.gonzalez@example.com"},
    {"customer_name", "María González"},
    {"street", "Schönhauser Allee 146, second courtyard"},
    {"city", "Berlin"},
    {"country", "DE"},
    {"currency", "EUR"},
    {"payment_method", "card"},
    {"carrier", "DHL Express Worldwide"},
    {"tracking_url", "https://tracking.example.com/parcels/0034043415"},
    {"coupon", "AUTUMN-\"20\""},
}};

/// 20 members; the last one fills the event up to its size.
void write_event(std::string& out, const base::Uuid& id, std::string_view note) {
  JsonWriter json(out);
  json.begin_object().key("id").value(id).key("occurred_at").value("2026-11-22T16:48:00.123Z");
  for (const auto& [key, text] : kTexts) json.key(key).value(text);
  json.key("total_cents").value(1'234'599).key("weight_kg").value(12.75).key("express").value(true);
  json.key("cancelled_at").null().key("items").begin_array();
  for (int i = 0; i < 3; ++i)
    json.begin_object().key("sku").value(40'000 + i).key("quantity").value(i).end_object();
  json.end_array().key("note").value(note).end_object();
}

std::string make_note(const base::Uuid& id) {
  std::string empty;
  write_event(empty, id, "");
  return std::string(kEventBytes - empty.size(), 'n');
}

void parse_1kib_event(benchmark::State& state) {
  const base::Uuid id = base::make_uuid(base::SystemClock().now());
  std::string event;
  write_event(event, id, make_note(id));
  for (auto _ : state) {
    auto document = parse_json(event);  // with the copy of the text that the document owns
    benchmark::DoNotOptimize(document);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * event.size()));
}
BENCHMARK(parse_1kib_event);

void write_1kib_event(benchmark::State& state) {
  const base::Uuid id = base::make_uuid(base::SystemClock().now());
  const std::string note = make_note(id);
  for (auto _ : state) {
    std::string event;
    event.reserve(kEventBytes);
    write_event(event, id, note);
    benchmark::DoNotOptimize(event);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kEventBytes));
}
BENCHMARK(write_1kib_event);

}  // namespace

}  // namespace format
