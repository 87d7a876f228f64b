#include "core/report.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "core/clock.hpp"
#include "core/json_writer.hpp"
#include "core/print.hpp"
#include "scenarios/inbound/run.hpp"

namespace bench {

namespace {

constexpr double kMiB = 1024.0 * 1024.0;

double percentile_ms(const Histogram& histogram, double share) {
  return static_cast<double>(histogram.percentile(share)) / static_cast<double>(kNsPerMs);
}

double as_double(std::uint64_t number) { return static_cast<double>(number); }

/// One row of the table and one member of the JSON.
struct Figure {
  const char* name;
  const char* label;
  int decimals;
  double (*of)(const InboundRun&);
};

using Run = const InboundRun&;

double per_1000_ms(Run r, double cpu_seconds) {
  return r.received == 0 ? 0 : cpu_seconds * 1e6 / as_double(r.received);
}

double p99_ms(Run run) { return percentile_ms(run.latency, 0.99); }
double per_second(Run run) { return run.per_second(); }

const std::array kFigures = std::to_array<Figure>({
    {"offered_per_s", "offered/s (0: closed loop)", 0, [](Run r) { return as_double(r.plan.per_second); }},
    {"received_per_s", "received/s: verified, stored, answered", 0, per_second},
    {"latency_p50_ms", "due to answer p50, ms", 2, [](Run r) { return percentile_ms(r.latency, 0.5); }},
    {"latency_p99_ms", "  p99", 2, p99_ms},
    {"latency_p99_9_ms", "  p99.9", 2, [](Run r) { return percentile_ms(r.latency, 0.999); }},
    {"latency_max_ms", "  max", 2, [](Run r) { return percentile_ms(r.latency, 1); }},
    {"generator_lag_p99_ms", "generator late p99, ms", 2, [](Run r) { return percentile_ms(r.lag, 0.99); }},
    {"processed_per_s", "processed/s in the window", 0,
     [](Run r) { return as_double(r.processed_in_window) / r.seconds; }},
    {"behind", "acknowledged, not processed at the end of the load", 0,
     [](Run r) { return as_double(r.behind); }},
    {"drain_s", "until all were processed, s", 2, [](Run r) { return r.drain_seconds; }},
    {"server_cores", "cores: server", 2, [](Run r) { return r.server_cpu_seconds / r.seconds; }},
    {"bench_cores", "cores: generator", 2, [](Run r) { return r.bench_cpu_seconds / r.seconds; }},
    {"other_cores", "cores: all else", 2,
     [](Run r) { return (r.machine_cpu_seconds - r.server_cpu_seconds - r.bench_cpu_seconds) / r.seconds; }},
    {"stolen_cores", "cores stolen by the host", 2, [](Run r) { return r.stolen_seconds / r.seconds; }},
    {"server_cpu_ms_per_1000", "CPU ms / 1,000 received: server", 1,
     [](Run r) { return per_1000_ms(r, r.server_cpu_seconds); }},
    {"bench_cpu_ms_per_1000", "CPU ms / 1,000 received: generator", 1,
     [](Run r) { return per_1000_ms(r, r.bench_cpu_seconds); }},
    {"core_before_ms", "64 MiB of SHA-256 before, ms", 0, [](Run r) { return r.core_before_ms; }},
    {"core_after_ms", "  after", 0, [](Run r) { return r.core_after_ms; }},
    {"server_rss_peak_mib", "server RSS peak, MiB", 1,
     [](Run r) { return as_double(r.server_rss_peak_bytes) / kMiB; }},
    {"create_s", "making the endpoints, s", 2, [](Run r) { return r.create_seconds; }},
    {"sign_s", "signing ahead, s", 2, [](Run r) { return r.sign_seconds; }},
    {"acknowledged", "acknowledged", 0, [](Run r) { return as_double(r.verdict.acknowledged); }},
    {"stored", "stored", 0, [](Run r) { return as_double(r.stored.stored); }},
    {"lost", "lost: acknowledged, not stored", 0, [](Run r) { return as_double(r.verdict.lost); }},
    {"unacknowledged_stored", "stored, never acknowledged", 0,
     [](Run r) { return as_double(r.verdict.unacknowledged_received); }},
    {"stored_twice", "stored twice", 0, [](Run r) { return as_double(r.verdict.duplicates); }},
    {"processed", "PROCESSED", 0, [](Run r) { return as_double(r.stored.processed); }},
    {"events", "events published", 0, [](Run r) { return as_double(r.stored.events); }},
    {"refused", "refused with 429 or 503", 0, [](Run r) { return as_double(r.answers.refused()); }},
});

std::string padded(const std::string& text, std::size_t width, bool right) {
  const std::string space(width - std::min(width, text.size()), ' ');
  return right ? space + text : text + space;
}

std::string render_rows(const std::vector<InboundRun>& runs) {
  constexpr std::size_t kCellWidth = 11;
  std::size_t label_width = 0;
  for (const Figure& figure : kFigures) label_width = std::max(label_width, std::string(figure.label).size());
  std::string text(label_width, ' ');
  for (const InboundRun& run : runs) text += padded(run.plan.name, kCellWidth, true);
  for (const Figure& figure : kFigures) {
    text += "\n" + padded(figure.label, label_width, false);
    for (const InboundRun& run : runs)
      text += padded(print("%.*f", figure.decimals, figure.of(run)), kCellWidth, true);
  }
  return text + "\n";
}

/// The best figure of the runs of one kind, by `better`; 0 where there is none.
template <class Better>
double best(const std::vector<InboundRun>& runs, InboundLoad load, std::size_t endpoints,
            double (*figure)(const InboundRun&), Better better) {
  double found = 0;
  bool any = false;
  for (const InboundRun& run : runs) {
    if (run.plan.load != load || run.plan.endpoints != endpoints) continue;
    const double value = figure(run);
    if (!any || better(value, found)) found = value;
    any = true;
  }
  return found;
}

/// The figure with many endpoints by that with few, of each round: the two runs of one stand side by side, so
/// that a machine whose speed changes from minute to minute was alike for both. The median of them; nothing
/// before the first round is whole.
std::optional<double> ratio_of_rounds(const std::vector<InboundRun>& runs, InboundLoad load, std::size_t few,
                                      std::size_t many, double (*figure)(const InboundRun&)) {
  const auto of_kind = [&](std::size_t endpoints) {
    std::vector<double> found;
    for (const InboundRun& run : runs) {
      if (run.plan.load == load && run.plan.endpoints == endpoints) found.push_back(figure(run));
    }
    return found;
  };
  std::vector<double> ratios;
  const std::vector<double> with_few = of_kind(few);
  const std::vector<double> with_many = of_kind(many);
  for (std::size_t round = 0; round < std::min(with_few.size(), with_many.size()); ++round) {
    if (with_few[round] > 0 && with_many[round] > 0) ratios.push_back(with_many[round] / with_few[round]);
  }
  if (ratios.empty()) return std::nullopt;
  std::ranges::sort(ratios);
  return (ratios[(ratios.size() - 1) / 2] + ratios[ratios.size() / 2]) / 2;
}

}  // namespace

double InboundResult::best_per_second(std::size_t endpoints) const {
  return best(runs, InboundLoad::peak, endpoints, per_second, std::greater());
}

double InboundResult::best_half_p99_ms(std::size_t endpoints) const {
  return best(runs, InboundLoad::half, endpoints, p99_ms, std::less());
}

std::vector<Bar> InboundResult::bars() const {
  using enum Bar::Sense;
  if (runs.empty()) return {};
  const auto [least, most] = std::ranges::minmax(runs, {}, [](Run run) { return run.plan.endpoints; });
  const std::size_t few = least.plan.endpoints;
  const std::size_t many = most.plan.endpoints;
  std::vector<Bar> bars = {{"received_per_s", best_per_second(few), at_least, 15'000}};
  const double p99 = best_half_p99_ms(few);
  if (p99 > 0) bars.push_back({"half_load_p99_ms", p99, at_most, 10});
  if (many == few) return bars;
  if (const auto ratio = ratio_of_rounds(runs, InboundLoad::peak, few, many, per_second)) {
    bars.push_back({"many_endpoints_rate_ratio", *ratio, at_least, 0.95});
  }
  if (const auto ratio = ratio_of_rounds(runs, InboundLoad::half, few, many, p99_ms)) {
    bars.push_back({"many_endpoints_p99_ratio", *ratio, at_most, 1.5});
  }
  return bars;
}

std::vector<std::string> problems_of(const InboundRun& run) {
  std::vector<std::string> found;
  const auto expect_none = [&](std::uint64_t count, const std::string& what) {
    if (count > 0) found.push_back(std::to_string(count) + " " + what);
  };
  const Verdict& verdict = run.verdict;
  expect_none(verdict.lost, "acknowledged webhooks were lost: they are not in the store");
  expect_none(verdict.wrong_id, "webhooks are stored under another id than they were acknowledged with");
  expect_none(verdict.repeated_id, "acknowledgements repeat the id of another webhook");
  expect_none(verdict.duplicates, "webhooks are stored twice");
  expect_none(verdict.misrouted, "webhooks are stored with an endpoint that they were not sent to");
  expect_none(verdict.foreign, "webhooks are stored that nobody sent");
  const Processed& stored = run.stored;
  expect_none(stored.other, "webhooks ended otherwise than PROCESSED");
  expect_none(stored.stored - std::min(stored.stored, stored.processed + stored.other),
              "stored webhooks were not processed in time");
  expect_none(stored.processed - std::min(stored.processed, stored.published),
              "webhooks are PROCESSED, and their event is not there");
  expect_none(stored.events - std::min(stored.events, stored.processed), "events too many were published");
  for (std::size_t status = 0; status < run.answers.by_status.size(); ++status) {
    if (status == 200 || status == 429 || status == 503) continue;
    expect_none(run.answers.by_status[status], "webhooks were answered " + std::to_string(status));
  }
  expect_none(run.answers.bad_answers, "answers cannot be read");
  expect_none(run.answers.lost_connections, "connections were lost with a request unanswered");
  if (run.received == 0) found.emplace_back("nothing was received");
  if (run.server_end != "exit code 0") found.push_back("the server ended with " + run.server_end);
  return found;
}

std::string render_inbound(const Machine& machine, const Options& options, const InboundResult& result) {
  std::string text = render_machine(machine);
  text += std::to_string(options.seconds) + " s after " + std::to_string(options.warm_up_seconds) +
          " s of warm-up, " + std::to_string(options.connections) + " connections, " +
          std::to_string(options.payload_bytes) + "-byte bodies signed ahead, " +
          std::string(options.scattered_ids ? "scattered ids" : "ids that begin with the time") +
          ", a fresh server for each run; generator on this machine\n\n";
  text += render_rows(result.runs);
  text += "\nof the runs of one kind the best one counts, of ratios the median of the rounds:\n" +
          render_bars(result.bars());
  for (const InboundRun& run : result.runs) {
    for (const std::string& problem : run.problems)
      text.append(run.plan.name).append(": ").append(problem).append("\n");
  }
  return text;
}

std::string render_inbound_json(const std::string& name, const Machine& machine, const Options& options,
                                const InboundResult& result) {
  JsonWriter json = open_report(name, machine);
  json.open_object("parameters")
      .member("warm_up_s", options.warm_up_seconds)
      .member("seconds", options.seconds)
      .member("drain_s_max", options.drain_seconds)
      .member("connections", options.connections)
      .member("payload_bytes", options.payload_bytes)
      .member("server_environment", options.server_environment)
      .close_object();
  json.open_array("runs");
  for (const InboundRun& run : result.runs) {
    json.open_object().member("name", run.plan.name).member("endpoints", run.plan.endpoints);
    for (const Figure& figure : kFigures) json.member(figure.name, figure.of(run));
    json.member("server_end", run.server_end).member("problems", run.problems).close_object();
  }
  json.close_array();
  write_bars(json, result.bars());
  return json.close_object().text();
}

}  // namespace bench
