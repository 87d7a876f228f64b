#include "scenarios/timing.hpp"

#include <sched.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <random>
#include <stdexcept>

#include "core/clock.hpp"
#include "core/json_writer.hpp"
#include "core/print.hpp"
#include "core/report.hpp"
#include "crypto/encoding.hpp"          // tidy: allow wall what is timed is the engine's own check
#include "inbound/receive/message.hpp"  // tidy: allow wall what is timed is the engine's own check
#include "inbound/scheme/preset.hpp"    // tidy: allow wall what is timed is the engine's own check

namespace bench {

namespace {

/// The bar of the reliability targets, which is that of dudect (Reparaz, Balasch, Verbauwhede 2017).
constexpr double kBar = 4.5;
/// The slowest tenth is left out; what is left of a check spreads over some per cent of its mean.
constexpr double kShareKept = 0.9;
/// Inputs that are made before they are used; the first block is not counted.
constexpr std::size_t kBlock = 4096;
constexpr std::size_t kMacBytes = 32;
constexpr std::size_t kNonceBytes = 12;

using Random = std::mt19937_64;

template <class T>
T value_of(base::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

/// What is timed, with two sorts of input.
class Timed {
 public:
  virtual ~Timed() = default;
  /// Makes the input of one of a block, and lays it out later. Neither has a branch that tells the sorts
  /// apart, and between them stands the whole block: what a processor has learnt from making one input would
  /// speed up the run that follows.
  virtual void prepare(std::size_t place, bool last) = 0;
  virtual void put(std::size_t place) = 0;
  virtual bool run() = 0;
};

/// Which of the two sorts it is, is a toss for each sample: whatever changes with time changes for both.
TimingComparison compare(std::string name, TimingComparison::Role role, std::size_t count, Random& random,
                         Timed& timed) {
  std::vector<TimedSample> samples;
  samples.reserve(count + kBlock);
  std::array<bool, kBlock> last{};
  std::size_t passed = 0;
  for (bool warm = false; samples.size() < count; warm = true) {
    for (std::size_t i = 0; i < kBlock; ++i) {
      last[i] = random() >> 63 != 0;
      timed.prepare(i, last[i]);
    }
    for (std::size_t i = 0; i < kBlock; ++i) {
      timed.put(i);
      // Everything is written before the clock starts: reading behind a store that is under way takes longer,
      // and the sorts differ in where they store.
      std::atomic_thread_fence(std::memory_order_seq_cst);
      const std::int64_t begun = now_ns();
      passed += timed.run() ? 1 : 0;
      const std::int64_t took = now_ns() - begun;
      if (warm)
        samples.push_back({static_cast<std::uint32_t>(std::min<std::int64_t>(took, UINT32_MAX)), last[i]});
    }
  }
  if (passed != 0) throw std::runtime_error(name + ": a wrong one passed");
  return {.name = std::move(name),
          .role = role,
          .samples = samples.size(),
          .welch = compare_by_welch(samples, kShareKept)};
}

/// What must not be done with a signature: it returns at the first byte that differs.
bool equal_with_early_exit(const volatile char* a, const volatile char* b, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) return false;
  }
  return true;
}

/// Requests to an endpoint, each with a body of its own and the signature that it should have but for one
/// byte. What is sent is thereby as random for one sort as for the other: how long its digits take to decode
/// depends on them, and is known to whoever sends them. The sorts differ only in how the signature fits the
/// body.
class SignedRequests : public Timed {
 public:
  SignedRequests(const std::string& preset, std::string_view secret, Random& random)
      : scheme_(value_of(inbound::preset_scheme(preset, {}))),
        key_(value_of(crypto::SchemeKey::make(scheme_, secret))),
        random_(random),
        guesses_(kBlock) {
    for (http::Request* request : {&bare_, &sent_}) {
      request->method = "POST";
      request->set_target("/webhooks/acme/in");
      request->body = std::string(kNonceBytes, 'a') + std::string(1000, 'x');
    }
    headers_ = sign();
    signature_ = &signature_of(headers_);
    for (const auto& [header, value] : headers_) sent_.headers.emplace_back(header, value);
    if (!verify().passed()) throw std::runtime_error(preset + ": its own signature is refused");
  }
  SignedRequests(const SignedRequests&) = delete;
  SignedRequests& operator=(const SignedRequests&) = delete;

  void prepare(std::size_t place, bool last) override {
    Guess& guess = guesses_[place];
    for (std::size_t i = 0; i < kNonceBytes; ++i) bare_.body[i] = static_cast<char>('a' + random_() % 26);
    guess.nonce.assign(bare_.body, 0, kNonceBytes);
    Headers headers = sign();
    guess.right = mac_of(signature_of(headers));
    guess.wrong = guess.right;
    char& byte = guess.wrong[(kMacBytes - 1) * static_cast<std::size_t>(last)];
    byte = static_cast<char>(byte ^ static_cast<char>(1 + random_() % 255));
    guess.text = scheme_.prefix + (is_hex() ? crypto::to_hex(guess.wrong) : crypto::to_base64(guess.wrong));
  }
  /// Into the places that all of them take in turn.
  void put(std::size_t place) override {
    put_ = &guesses_[place];
    put_->nonce.copy(sent_.body.data(), kNonceBytes);
    put_->text.copy(signature_->data(), signature_->size());
  }
  bool run() override { return verify().passed(); }

 protected:
  struct Guess {
    std::string nonce{};
    std::string right{};
    std::string wrong{};
    std::string text{};
  };
  const Guess& guess() const { return *put_; }

 private:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  crypto::Check verify() const { return inbound::verify(scheme_, keys_, message_, now_); }
  bool is_hex() const { return scheme_.encoding == crypto::Scheme::Encoding::hex; }
  Headers sign() const {
    const inbound::Message message(bare_, "https://hub.example.com/webhooks/acme/in");
    return value_of(crypto::sign(scheme_, keys_, message, {.id = "msg_1", .at = now_}));
  }
  std::string& signature_of(Headers& headers) const {
    for (auto& [header, value] : headers) {
      if (header == scheme_.signature.front().name) return value;
    }
    throw std::runtime_error("the scheme does not sign by a header");
  }
  std::string mac_of(std::string_view signature) const {
    const std::string_view text = signature.substr(scheme_.prefix.size());
    auto mac = is_hex() ? crypto::from_hex(text) : crypto::from_base64(text);
    if (!mac || mac->size() != kMacBytes) throw std::runtime_error("this is no HMAC of SHA-256");
    return std::move(*mac);
  }

  crypto::Scheme scheme_;
  crypto::SchemeKey key_;
  std::array<const crypto::SchemeKey*, 1> keys_{&key_};
  base::Time now_ = base::SystemClock{}.now();
  Random& random_;
  http::Request bare_;  // the same without a signature
  http::Request sent_;
  inbound::Message message_{sent_, "https://hub.example.com/webhooks/acme/in"};
  Headers headers_;
  std::string* signature_ = nullptr;
  std::vector<Guess> guesses_;
  const Guess* put_ = nullptr;
};

/// The leak that is looked for: a real check that ends in a comparison with an early exit.
class LeakingCheck final : public SignedRequests {
 public:
  using SignedRequests::SignedRequests;
  bool run() override {
    const bool passed = SignedRequests::run();
    return equal_with_early_exit(guess().right.data(), guess().wrong.data(), kMacBytes) || passed;
  }
};

/// A leak that nobody could overlook.
class LongBuffers final : public Timed {
 public:
  void prepare(std::size_t place, bool last) override {
    at_[place] = (right_.size() - 1) * std::size_t{last};
  }
  void put(std::size_t place) override {
    wrong_ = right_;
    wrong_[at_[place]] = 'b';
  }
  bool run() override { return equal_with_early_exit(right_.data(), wrong_.data(), right_.size()); }

 private:
  std::string right_ = std::string(4096, 'a');
  std::string wrong_;
  std::array<std::size_t, kBlock> at_{};
};

/// Moving to another core costs more than anything that is looked for. Returns the core, or -1.
int pin_to_one_cpu() {
  const int cpu = sched_getcpu();
  if (cpu < 0) return -1;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  return sched_setaffinity(0, sizeof set, &set) == 0 ? cpu : -1;
}

std::string bar_name(const TimingComparison& comparison) { return comparison.name + ", |t|"; }

}  // namespace

std::vector<Bar> TimingResult::bars() const {
  std::vector<Bar> bars;
  for (const TimingComparison& comparison : comparisons) {
    const bool control = comparison.role == TimingComparison::Role::control;
    bars.push_back({bar_name(comparison), std::abs(comparison.welch.t),
                    control ? Bar::Sense::at_least : Bar::Sense::at_most, kBar});
  }
  return bars;
}

std::vector<std::string> TimingResult::problems() const {
  std::vector<std::string> problems;
  for (const TimingComparison& comparison : comparisons) {
    const bool control = comparison.role == TimingComparison::Role::control;
    if (control && std::abs(comparison.welch.t) < kBar)
      problems.push_back("the measurement is blind: " + comparison.name + " shows nothing");
  }
  return problems;
}

TimingResult run_timing(std::size_t samples) {
  TimingResult result{.seed = std::random_device{}(), .cpu = pin_to_one_cpu()};
  Random random(result.seed);
  using enum TimingComparison::Role;
  constexpr std::string_view kGithubSecret = "It's a Secret to Everybody";
  SignedRequests github("github", kGithubSecret, random);
  SignedRequests standard("standard_webhooks", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", random);
  LongBuffers long_buffers;
  LeakingCheck leaking("github", kGithubSecret, random);
  result.comparisons.push_back(compare("github", checked, samples, random, github));
  result.comparisons.push_back(compare("standard_webhooks", checked, samples, random, standard));
  result.comparisons.push_back(
      compare("control: 4,096 bytes, early exit", control, samples / 10, random, long_buffers));
  result.comparisons.push_back(compare("control: a check, early exit", control, samples, random, leaking));
  return result;
}

std::string render_timing(const Machine& machine, const TimingResult& result) {
  std::string text = render_machine(machine);
  text += result.cpu < 0 ? "pinned to no core" : "pinned to core " + std::to_string(result.cpu);
  text += "; wrong signatures of two sorts in random order, without the slowest tenth\n\n";
  text += print("%-34s %10s %10s %12s %12s %9s\n", "", "samples", "kept", "first, ns", "last, ns", "t");
  for (const TimingComparison& comparison : result.comparisons) {
    const WelchResult& welch = comparison.welch;
    text += print("%-34s %10zu %10zu %12.2f %12.2f %9.2f\n", comparison.name.c_str(), comparison.samples,
                  welch.kept, welch.first_ns, welch.second_ns, welch.t);
  }
  text += "\n" + render_bars(result.bars());
  for (const std::string& problem : result.problems()) text += problem + "\n";
  return text;
}

std::string render_timing_json(const std::string& name, const Machine& machine, const TimingResult& result) {
  JsonWriter json = open_report(name, machine);
  json.member("seed", result.seed).member("cpu", result.cpu).member("share_kept", kShareKept);
  json.open_array("comparisons");
  for (const TimingComparison& comparison : result.comparisons) {
    json.open_object()
        .member("name", comparison.name)
        .member("samples", comparison.samples)
        .member("kept", comparison.welch.kept)
        .member("first_byte_wrong_ns", comparison.welch.first_ns)
        .member("last_byte_wrong_ns", comparison.welch.second_ns)
        .member("t", comparison.welch.t)
        .close_object();
  }
  json.close_array();
  write_bars(json, result.bars());
  return json.member("problems", result.problems()).close_object().text();
}

}  // namespace bench
