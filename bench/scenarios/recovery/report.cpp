#include "core/report.hpp"

#include <algorithm>

#include "core/json_writer.hpp"
#include "core/print.hpp"
#include "scenarios/recovery/run.hpp"

namespace bench {

namespace {

constexpr double kMiB = 1024.0 * 1024.0;

struct Figure {
  const char* name;   ///< of the member
  const char* label;  ///< in the table
  double value;
};

std::vector<Figure> figures_of(const RecoveryResult& r) {
  return {
      {"tasks", "tasks", static_cast<double>(r.tasks)},
      {"capacity_per_s", "delivered/s in steady state, before", r.capacity_per_second},
      {"after_per_s", "  after the backlog", r.after_per_second},
      {"fill_s", "filling, s", r.fill_seconds},
      {"start_s", "start to ready with the backlog, s (0: not started again)", r.start_seconds},
      {"first_delivery_s", "from the return to the first delivery, s", r.first_delivery_seconds},
      {"tenth_s", "  to a tenth", r.tenth_seconds},
      {"half_s", "  to a half", r.half_seconds},
      {"nine_tenths_s", "  to nine tenths", r.nine_tenths_seconds},
      {"drained_s", "  to the last", r.drained_seconds},
      {"drain_per_s", "delivered/s from a tenth to nine tenths", r.drain_per_second()},
      {"best_per_s", "delivered in the best second", r.best_per_second},
      {"fill_rss_peak_mib", "RSS peak while filling, MiB", r.fill_rss_peak_bytes / kMiB},
      {"hold_rss_peak_mib", "  while holding", r.hold_rss_peak_bytes / kMiB},
      {"drain_rss_peak_mib", "  while draining", r.drain_rss_peak_bytes / kMiB},
      {"receivers", "receivers that got something", static_cast<double>(r.ramp.receivers)},
      {"requests_at_once_max", "requests at once of one receiver, at most", static_cast<double>(r.ramp.most)},
      {"ramp_excess_max", "  against what the ramp allows then, at most", r.ramp.worst_excess},
      {"ramp_excess_at_s", "  s after its first request", r.ramp.worst_at_seconds},
      {"received", "received", static_cast<double>(r.verdict.received)},
      {"lost", "lost", static_cast<double>(r.verdict.lost)},
      {"duplicates", "duplicates", static_cast<double>(r.verdict.duplicates)},
      {"signatures_checked", "signatures checked", static_cast<double>(r.receipts.signatures_checked)},
      {"core_before_ms", "64 MiB of SHA-256 before, ms", r.core_before_ms},
      {"core_after_ms", "  after", r.core_after_ms},
  };
}

}  // namespace

double RecoveryResult::drain_per_second() const {
  const double seconds = nine_tenths_seconds - tenth_seconds;
  return seconds > 0 ? 0.8 * static_cast<double>(verdict.received) / seconds : 0;
}

std::vector<Bar> RecoveryResult::bars() const {
  using enum Bar::Sense;
  const double rss_peak_bytes = std::max({fill_rss_peak_bytes, hold_rss_peak_bytes, drain_rss_peak_bytes});
  return {{"rss_peak_mib", rss_peak_bytes / kMiB, at_most, 256},
          {"receivers_above_their_ramp", static_cast<double>(ramp.above), at_most, 0},
          {"drain_per_capacity", capacity_per_second > 0 ? drain_per_second() / capacity_per_second : 0,
           at_least, 0.8},
          {"after_per_capacity", capacity_per_second > 0 ? after_per_second / capacity_per_second : 0,
           at_least, 0.8}};
}

std::string render_recovery(const Machine& machine, const Options& options, const RecoveryResult& result) {
  std::string text = render_machine(machine);
  text += std::to_string(options.destinations) + " receivers of " + std::to_string(options.tenants) +
          " tenants, which answer after " + std::to_string(options.answer_delay_ms) + " ms; " +
          std::to_string(options.payload_bytes) + "-byte events\n\n";
  for (const Figure& figure : figures_of(result)) {
    text += print("%-58s %12.10g\n", figure.label, figure.value);
  }
  text += "\n" + render_bars(result.bars());
  for (const std::string& problem : result.problems) text += problem + "\n";
  return text;
}

std::string render_recovery_json(const std::string& name, const Machine& machine, const Options& options,
                                 const RecoveryResult& result) {
  JsonWriter json = open_report(name, machine);
  json.open_object("parameters")
      .member("destinations", options.destinations)
      .member("tenants", options.tenants)
      .member("payload_bytes", options.payload_bytes)
      .member("answer_delay_ms", options.answer_delay_ms)
      .member("hold_s", options.hold_seconds)
      .member("steady_s", options.seconds)
      .member("server_environment", options.server_environment)
      .close_object();
  for (const Figure& figure : figures_of(result)) json.member(figure.name, figure.value);
  json.member("server_end", result.server_end);
  write_bars(json, result.bars());
  return json.member("problems", result.problems).close_object().text();
}

}  // namespace bench
