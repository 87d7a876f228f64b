// What expressions cost over a work item of about 1 KB: by tier, and a whole mapping of twenty members.
#include <benchmark/benchmark.h>

#include "expr/program.hpp"
#include "format/json.hpp"

namespace expr {

namespace {

constexpr std::string_view kWorkItem =
    R"({"event":"workitem.updated","workitem":{"id":"wi_01HZX3","number":48213,
"title":"Replace the pump at Harbour Street 12","status":"IN_PROGRESS","priority":"HIGH",
"due_date":"2026-11-30","created_at":"2026-11-22T16:48:00.123Z","updated_at":"2026-11-23T08:12:45.001Z",
"amount":1249.90,"currency":"EUR",
"customer":{"id":"c_9981","name":"  Müller & Söhne  ","email":"OFFICE@MUELLER.EXAMPLE","country":"DE",
"address":{"street":"Harbour Street 12","city":"Hamburg","zip":"20457"}},
"assignee":{"id":"u_12","name":"Ana Ferreira","team":"field-north"},
"items":[{"sku":"PMP-200","qty":1,"price":989.00,"name":"Pump 200"},{"sku":"SEAL-8","qty":4,"price":12.50,
"name":"Seal 8 mm"},{"sku":"HR-STD","qty":3,"price":70.30,"name":"Hour, standard"}],
"tags":["pump","harbour","warranty"],"notes":"Call before arrival; the gate code is with the porter."},
"tenant":"acme","source":"workitems","version":3})";

constexpr std::string_view kMapping = R"({
  "id": workitem.id, "number": workitem.number, "title": workitem.title, "status": workitem.status,
  "priority": workitem.priority, "due": workitem.due_date, "created": workitem.created_at,
  "updated": workitem.updated_at, "amount": workitem.amount, "currency": workitem.currency,
  "customer_id": workitem.customer.id, "city": workitem.customer.address.city,
  "zip": workitem.customer.address.zip, "team": workitem.assignee.team, "notes": workitem.notes,
  "customer": $trim(workitem.customer.name), "email": $lowercase(workitem.customer.email),
  "total": $sum(workitem.items.(qty * price)), "urgent": workitem.priority = "HIGH",
  "label": workitem.number & " / " & workitem.title})";

void run(benchmark::State& state, std::string_view source) {
  const auto program = Program::compile(std::string(source));
  const auto document = format::parse_json(std::string(kWorkItem));
  format::Arena arena(0);
  const Environment environment;
  for (auto _ : state) {
    auto result = evaluate(*program, &document->root(), environment, arena);
    benchmark::DoNotOptimize(result);
  }
  const auto result = evaluate(*program, &document->root(), environment, arena);
  if (!result) state.SkipWithError("the expression fails");
}

BENCHMARK_CAPTURE(run, path, "workitem.customer.address.city");
BENCHMARK_CAPTURE(run, condition, "workitem.priority = 'HIGH' ? 1 : 2");
BENCHMARK_CAPTURE(run, text_function, "$lowercase(workitem.customer.email)");
BENCHMARK_CAPTURE(run, sum_over_items, "$sum(workitem.items.(qty * price))");
BENCHMARK_CAPTURE(run, predicate, "workitem.items[price > 50].sku");
BENCHMARK_CAPTURE(run, lambda, "$map(workitem.items, function($i) { $i.qty * $i.price })");
BENCHMARK_CAPTURE(run, time, "$fromMillis($toMillis(workitem.created_at), '[Y0001][M01][D01]')");
BENCHMARK_CAPTURE(run, mapping_of_20_members, kMapping);

/// The issue's measure: text in, text out.
void parse_map_write(benchmark::State& state) {
  const auto program = Program::compile(std::string(kMapping));
  format::Arena arena(0);
  const Environment environment;
  std::string out;
  for (auto _ : state) {
    const auto document = format::parse_json(std::string(kWorkItem));
    const auto result = evaluate(*program, &document->root(), environment, arena);
    out.clear();
    format::JsonWriter(out).value(**result);
    benchmark::DoNotOptimize(out);
  }
}
BENCHMARK(parse_map_write);

void compile(benchmark::State& state) {
  for (auto _ : state) {
    auto program = Program::compile(std::string(kMapping));
    benchmark::DoNotOptimize(program);
  }
}
BENCHMARK(compile);

}  // namespace

}  // namespace expr
