#include "scenarios/e2e/comparison.hpp"

#include <algorithm>

namespace bench {

namespace {

constexpr double kMiB = 1024.0 * 1024.0;

double ratio(double with, double without) { return without > 0 ? with / without : 0; }

double p99_ratio(const RunResult& with, const RunResult& without, Histogram Window::* histogram) {
  return ratio(static_cast<double>((with.window.*histogram).percentile(0.99)),
               static_cast<double>((without.window.*histogram).percentile(0.99)));
}

double worst_tenant(const RunResult& with, const RunResult& without) {
  double worst = 1e9;
  for (std::size_t i = 0; i < without.received_by_tenant.size(); ++i) {
    const auto per_second = [i](const RunResult& run) {
      return static_cast<double>(run.received_by_tenant[i]) / run.seconds;
    };
    worst = std::min(worst, ratio(per_second(with), per_second(without)));
  }
  return worst;
}

}  // namespace

std::optional<Comparison> compare(const std::vector<RunResult>& runs) {
  if (runs.size() < 2) return std::nullopt;
  const RunResult& without = runs[runs.size() - 2];
  const RunResult& with = runs.back();
  if (without.has_beside() || !with.has_beside()) return std::nullopt;
  return Comparison{.delivered_ratio = ratio(with.delivered_per_second(), without.delivered_per_second()),
                    .worst_tenant_ratio = worst_tenant(with, without),
                    .accept_p99_ratio = p99_ratio(with, without, &Window::accept),
                    .receipt_p99_ratio = p99_ratio(with, without, &Window::receipt)};
}

std::vector<Bar> bars_of(const std::vector<RunResult>& runs) {
  const auto comparison = compare(runs);
  if (!comparison) return {};
  using enum Bar::Sense;
  const RunResult& with = runs.back();
  if (with.plan.beside == Beside::flooder) {
    return {{"delivered_ratio", comparison->delivered_ratio, at_least, 0.95},
            {"worst_tenant_ratio", comparison->worst_tenant_ratio, at_least, 0.95}};
  }
  if (with.plan.beside == Beside::hostile) {
    const double held =
        static_cast<double>(with.server_rss_after_bytes) - static_cast<double>(with.server_rss_before_bytes);
    return {{"accept_p99_ratio", comparison->accept_p99_ratio, at_most, 3},
            {"receipt_p99_ratio", comparison->receipt_p99_ratio, at_most, 3},
            {"healthy_5xx", static_cast<double>(with.load.server_errors()), at_most, 0},
            {"rss_peak_mib", static_cast<double>(with.server_rss_peak_bytes) / kMiB, at_most, 512},
            {"rss_held_after_a_minute_mib", held / kMiB, at_most, 64}};
  }
  return {{"delivered_ratio", comparison->delivered_ratio, at_least, 0.95},
          {"receipt_p99_ratio", comparison->receipt_p99_ratio, at_most, 1.5},
          {"rss_peak_mib", static_cast<double>(with.server_rss_peak_bytes) / kMiB, at_most, 512},
          {"sockets_to_the_dead", static_cast<double>(with.sockets_beside_peak), at_most, 2000}};
}

}  // namespace bench
