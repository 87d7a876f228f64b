// Numbers about the running program, in Prometheus' text format at /metrics.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace base {

/// Counts up. Thread-safe.
class Counter {
 public:
  virtual ~Counter() = default;
  virtual void add(double amount = 1) = 0;
};

/// A value that goes up and down. Thread-safe.
class Gauge {
 public:
  virtual ~Gauge() = default;
  virtual void set(double value) = 0;
  virtual void add(double amount) = 0;
};

/// Observations sorted into buckets. Thread-safe.
class Histogram {
 public:
  virtual ~Histogram() = default;
  virtual void observe(double value) = 0;
};

using Labels = std::map<std::string, std::string>;

/// Buckets in seconds for anything that answers a request (OpenTelemetry's HTTP buckets, with finer ones
/// below).
const std::vector<double>& latency_buckets();

/// The registry. The same name with the same labels is the same series; label values must come from a closed
/// set.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter& counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge& gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  Histogram& histogram(const std::string& name, const std::string& help, const Labels& labels = {},
                       const std::vector<double>& buckets = latency_buckets());

  /// Everything in Prometheus' text format 0.0.4.
  std::string text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The process' registry: like the log it is one per process, so that the ground floor can count too.
Metrics& metrics();

}  // namespace base
