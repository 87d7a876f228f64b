#include "scenarios/e2e/report.hpp"

#include <algorithm>
#include <array>
#include <functional>

#include "core/bar.hpp"
#include "core/clock.hpp"
#include "core/json_writer.hpp"
#include "core/print.hpp"
#include "core/report.hpp"
#include "scenarios/e2e/comparison.hpp"

namespace bench {

namespace {

constexpr double kMiB = 1024.0 * 1024.0;

double to_ms(std::int64_t ns) { return static_cast<double>(ns) / static_cast<double>(kNsPerMs); }
std::string count(std::uint64_t number) { return std::to_string(number); }

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// A label and how a run fills the cell beside it.
struct Row {
  std::string label;
  std::function<std::string(const RunResult&)> cell;
};

void add_latency(std::vector<Row>& rows, const std::string& what, Histogram Window::* histogram) {
  constexpr std::array<std::pair<const char*, double>, 4> kShares = {
      {{"p50", 0.5}, {"p95", 0.95}, {"p99", 0.99}, {"max", 1.0}}};
  for (const auto& [name, part] : kShares) {
    rows.push_back({what + " " + name + ", ms", [histogram, part](const RunResult& run) {
                      return print("%.2f", to_ms((run.window.*histogram).percentile(part)));
                    }});
  }
}

void add_cpu(std::vector<Row>& rows, const std::string& what, double (*seconds_of)(const RunResult&)) {
  rows.push_back({what, [seconds_of](const RunResult& run) {
                    return print("%.4f", run.per_1000_events(seconds_of(run)));
                  }});
}

void add_costs(std::vector<Row>& rows) {
  add_cpu(rows, "CPU s / 1,000 events: server",
          [](const RunResult& run) { return run.server_cpu_seconds + run.postgres_cpu_seconds; });
  add_cpu(rows, "  of which PostgreSQL", [](const RunResult& run) { return run.postgres_cpu_seconds; });
  add_cpu(rows, "CPU s / 1,000 events: bench", [](const RunResult& run) { return run.bench_cpu_seconds; });
  add_cpu(rows, "CPU s / 1,000 events: all else", [](const RunResult& run) {
    return run.machine_cpu_seconds - run.server_cpu_seconds - run.postgres_cpu_seconds -
           run.bench_cpu_seconds;
  });
  rows.push_back({"cores busy",
                  [](const RunResult& run) { return print("%.2f", run.machine_cpu_seconds / run.seconds); }});
  rows.push_back({"cores stolen by the host",
                  [](const RunResult& run) { return print("%.2f", run.stolen_seconds / run.seconds); }});
  rows.push_back({"64 MiB of SHA-256, before / after, ms", [](const RunResult& run) {
                    return print("%.0f / %.0f", run.core_before_ms, run.core_after_ms);
                  }});
  rows.push_back({"server RSS peak, MiB", [](const RunResult& run) {
                    return print("%.1f", static_cast<double>(run.server_rss_peak_bytes) / kMiB);
                  }});
  rows.push_back(
      {"start to ready, s", [](const RunResult& run) { return print("%.2f", run.start_seconds); }});
  rows.push_back({"drain, s", [](const RunResult& run) { return print("%.2f", run.drain_seconds); }});
}

void add_ledger(std::vector<Row>& rows) {
  rows.push_back({"acknowledged", [](const RunResult& run) { return count(run.verdict.acknowledged); }});
  rows.push_back({"received", [](const RunResult& run) { return count(run.verdict.received); }});
  rows.push_back({"lost", [](const RunResult& run) { return count(run.verdict.lost); }});
  rows.push_back({"duplicates", [](const RunResult& run) { return count(run.verdict.duplicates); }});
  rows.push_back({"received, never acknowledged",
                  [](const RunResult& run) { return count(run.verdict.unacknowledged_received); }});
  rows.push_back({"bad signatures / checked", [](const RunResult& run) {
                    return count(run.receipts.signatures_bad) + " / " +
                           count(run.receipts.signatures_checked);
                  }});
  rows.push_back({"refused with 429 or 503", [](const RunResult& run) {
                    return count(run.load.refused() + run.load_beside.refused());
                  }});
  rows.push_back({"other answers than 202", [](const RunResult& run) {
                    return count(run.load.unexpected() + run.load_beside.unexpected());
                  }});
}

void add_beside(std::vector<Row>& rows) {
  rows.push_back(
      {"beside: acknowledged", [](const RunResult& run) { return count(run.load_beside.by_status[202]); }});
  rows.push_back({"beside: refused", [](const RunResult& run) { return count(run.load_beside.refused()); }});
  rows.push_back(
      {"beside: tries that failed", [](const RunResult& run) { return count(run.receipts.sick_requests); }});
  rows.push_back(
      {"beside: sockets, peak", [](const RunResult& run) { return count(run.sockets_beside_peak); }});
}

void add_siege(std::vector<Row>& rows) {
  const auto mib = [](std::uint64_t bytes) { return print("%.1f", static_cast<double>(bytes) / kMiB); };
  rows.push_back({"RSS before the siege, MiB",
                  [mib](const RunResult& run) { return mib(run.server_rss_before_bytes); }});
  rows.push_back(
      {"  a minute after it", [mib](const RunResult& run) { return mib(run.server_rss_after_bytes); }});
  rows.push_back(
      {"answers 5xx to the healthy", [](const RunResult& run) { return count(run.load.server_errors()); }});
}

std::vector<Row> make_rows(bool with_beside, bool with_siege) {
  std::vector<Row> rows = {
      {"load",
       [](const RunResult& run) {
         return run.plan.events_per_second == 0 ? "closed loop" : count(run.plan.events_per_second) + "/s";
       }},
      {"accepted/s", [](const RunResult& run) { return print("%.0f", run.accepted_per_second()); }},
      {"delivered/s", [](const RunResult& run) { return print("%.0f", run.delivered_per_second()); }},
      {"backlog at the end", [](const RunResult& run) { return count(run.window.backlog); }}};
  add_latency(rows, "accept", &Window::accept);
  add_latency(rows, "commit to receipt", &Window::receipt);
  rows.push_back({"  overtook its 202, %", [](const RunResult& run) {
                    return print("%.1f", 100 * share(run.window.overtaken, run.window.receipt.count()));
                  }});
  rows.push_back({"generator late p99, ms", [](const RunResult& run) {
                    return print("%.2f", to_ms(run.window.lag.percentile(0.99)));
                  }});
  add_costs(rows);
  add_ledger(rows);
  if (with_siege) {
    add_siege(rows);
  } else if (with_beside) {
    add_beside(rows);
  }
  rows.push_back({"verdict", [](const RunResult& run) { return run.problems.empty() ? "ok" : "FAILED"; }});
  return rows;
}

std::string render_header(const Machine& machine, const Options& options) {
  std::string text = render_machine(machine);
  text += print(
      "%u s after %u s of warm-up, %zu connections, %zu-byte events; generator and receiver on this "
      "machine\n",
      options.seconds, options.warm_up_seconds, options.connections, options.payload_bytes);
  text +=
      "accept: from when the event was due to its 202. commit to receipt: from the 202's arrival at the "
      "generator\n"
      "to the webhook's at the receiver, 0 where the webhook was first. CPU: per event delivered in the "
      "window.\n";
  return text;
}

void write_latency(JsonWriter& json, const char* name, const Histogram& histogram) {
  json.open_object(name).member("samples", histogram.count()).member("mean", histogram.mean() / kNsPerMs);
  constexpr std::array<std::pair<const char*, double>, 5> kShares = {
      {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}, {"p99_9", 0.999}}};
  for (const auto& [member, part] : kShares) json.member(member, to_ms(histogram.percentile(part)));
  json.member("max", to_ms(histogram.max())).close_object();
}

void write_load(JsonWriter& json, const char* name, const LoadCounts& load) {
  json.open_object(name).open_object("answers");
  for (std::size_t status = 0; status < load.by_status.size(); ++status) {
    if (load.by_status[status] > 0) json.member(std::to_string(status), load.by_status[status]);
  }
  json.close_object().member("lost_connections", load.lost_connections);
  json.member("bad_answers", load.bad_answers).close_object();
}

void write_ledger(JsonWriter& json, const RunResult& run) {
  json.open_object("ledger")
      .member("issued", run.verdict.issued)
      .member("acknowledged", run.verdict.acknowledged)
      .member("received", run.verdict.received)
      .member("unacknowledged_received", run.verdict.unacknowledged_received)
      .member("duplicates", run.verdict.duplicates)
      .member("lost", run.verdict.lost)
      .member("wrong_id", run.verdict.wrong_id)
      .member("repeated_id", run.verdict.repeated_id)
      .member("misrouted", run.verdict.misrouted)
      .member("foreign", run.verdict.foreign)
      .member("malformed", run.receipts.malformed)
      .member("signatures_checked", run.receipts.signatures_checked)
      .member("signatures_bad", run.receipts.signatures_bad)
      .close_object();
}

void write_run(JsonWriter& json, const RunResult& run) {
  json.open_object()
      .member("name", run.plan.name)
      .member("database", run.plan.postgres ? "postgresql" : "sqlite")
      .member("events_per_second_offered", run.plan.events_per_second)
      .member("tenants", run.plan.tenants)
      .member("subscriptions", run.plan.subscriptions)
      .member("window_s", run.seconds)
      .member("accepted_per_s", run.accepted_per_second())
      .member("delivered_per_s", run.delivered_per_second())
      .member("backlog", run.window.backlog);
  write_latency(json, "accept_ms", run.window.accept);
  write_latency(json, "receipt_ms", run.window.receipt);
  write_latency(json, "generator_lag_ms", run.window.lag);
  json.member("overtaken_share", share(run.window.overtaken, run.window.receipt.count()))
      .member("server_cpu_s_per_1000", run.per_1000_events(run.server_cpu_seconds + run.postgres_cpu_seconds))
      .member("postgres_cpu_s_per_1000", run.per_1000_events(run.postgres_cpu_seconds))
      .member("bench_cpu_s_per_1000", run.per_1000_events(run.bench_cpu_seconds))
      .member("machine_cpu_s_per_1000", run.per_1000_events(run.machine_cpu_seconds))
      .member("stolen_cores", run.stolen_seconds / run.seconds)
      .member("core_before_ms", run.core_before_ms)
      .member("core_after_ms", run.core_after_ms)
      .member("server_rss_peak_bytes", run.server_rss_peak_bytes)
      .member("start_s", run.start_seconds)
      .member("drain_s", run.drain_seconds)
      .member("server_end", run.server_end);
  write_ledger(json, run);
  write_load(json, "load", run.load);
  if (run.plan.subscriptions_beside > 0) {
    write_load(json, "load_beside", run.load_beside);
    json.member("subscriptions_beside", run.plan.subscriptions_beside)
        .member("events_per_second_offered_beside", run.plan.events_per_second_beside)
        .member("sick_requests", run.receipts.sick_requests)
        .member("sick_connections", run.receipts.sick_connections)
        .member("sockets_beside_peak", run.sockets_beside_peak);
  }
  if (!run.siege.empty()) {
    json.member("rss_before_siege_bytes", run.server_rss_before_bytes)
        .member("rss_a_minute_after_it_bytes", run.server_rss_after_bytes)
        .member("siege", run.siege);
  }
  json.member("problems", run.problems).close_object();
}

}  // namespace

std::string render_table(const Machine& machine, const Options& options, const std::vector<RunResult>& runs) {
  const std::vector<Bar> bars = bars_of(runs);
  const auto is_besieged = [](const RunResult& run) { return !run.siege.empty(); };
  std::vector<Row> rows = make_rows(!bars.empty(), std::ranges::any_of(runs, is_besieged));
  rows.insert(rows.begin(), {"", [](const RunResult& run) { return run.plan.name; }});
  std::size_t label_width = 0;
  for (const Row& row : rows) label_width = std::max(label_width, row.label.size());
  std::vector<std::string> lines;
  lines.reserve(rows.size());
  for (const Row& row : rows) lines.push_back(row.label + std::string(label_width - row.label.size(), ' '));
  for (const RunResult& run : runs) {
    std::vector<std::string> cells;
    cells.reserve(rows.size());
    for (const Row& row : rows) cells.push_back(row.cell(run));
    std::size_t width = 0;
    for (const std::string& cell : cells) width = std::max(width, cell.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      lines[i].append("  ").append(width - cells[i].size(), ' ').append(cells[i]);
    }
  }
  std::string text = render_header(machine, options) + "\n";
  for (const std::string& line : lines) text.append(line).append("\n");
  if (!bars.empty()) {
    text += "\n" + runs.back().plan.name + ", where it is a ratio divided by " +
            runs[runs.size() - 2].plan.name + ":\n" + render_bars(bars);
  }
  for (const RunResult& run : runs) {
    if (!run.siege.empty()) text += "\nthe siege:\n" + run.siege;
    for (const std::string& problem : run.problems)
      text.append(run.plan.name).append(": ").append(problem).append("\n");
  }
  return text;
}

std::string render_json(const std::string& name, const Machine& machine, const Options& options,
                        const std::vector<RunResult>& runs) {
  JsonWriter json = open_report(name, machine);
  json.open_object("parameters")
      .member("warm_up_s", options.warm_up_seconds)
      .member("seconds", options.seconds)
      .member("drain_s_max", options.drain_seconds)
      .member("connections", options.connections)
      .member("tenants", options.tenants)
      .member("payload_bytes", options.payload_bytes)
      .member("verify_every", options.verify_every)
      .member("server_environment", options.server_environment)
      .close_object();
  json.open_array("runs");
  for (const RunResult& run : runs) write_run(json, run);
  json.close_array();
  if (const auto comparison = compare(runs)) {
    json.open_object("comparison")
        .member("delivered_ratio", comparison->delivered_ratio)
        .member("worst_tenant_ratio", comparison->worst_tenant_ratio)
        .member("accept_p99_ratio", comparison->accept_p99_ratio)
        .member("receipt_p99_ratio", comparison->receipt_p99_ratio)
        .close_object();
    write_bars(json, bars_of(runs));
  }
  return json.close_object().text();
}

}  // namespace bench
