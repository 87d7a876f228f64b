#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <thread>

#include "base/version.hpp"
#include "cli/remote_commands.hpp"
#include "cli/sse.hpp"
#include "crypto/digest.hpp"
#include "crypto/encoding.hpp"
#include "crypto/standard_webhooks.hpp"
#include "http/egress.hpp"
#include "outbound/send/payload.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;
using Millis = std::chrono::milliseconds;

constexpr Millis kReconnectFirst{250};
constexpr Millis kReconnectMax{10'000};
constexpr Millis kForwardRetryFirst{500};
constexpr Millis kForwardRetryMax{10'000};
constexpr Millis kForwardTimeout{30'000};
constexpr std::size_t kErrorShownMax = 300;
constexpr std::size_t kDataShownMax = 200;

/// Waits, unless it is told to stop. False when it was.
bool rest(Millis span) {
  const base::Steady end = base::steady_now() + span;
  while (!stop_flag() && base::steady_now() < end) {
    // tidy: allow sleep a command does one thing at a time
    std::this_thread::sleep_for(std::min(Millis{50}, span));
  }
  return !stop_flag();
}

/// Of this machine, what is wanted and where to: the same command finds its listener again.
std::string default_name(const ListenOptions& options) {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  std::string name;
  for (const char c : std::string_view(host.data())) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (name.size() < 40) name += fits ? c : '-';
  }
  std::string about = options.forward_to;
  for (const std::string& pattern : options.patterns) about += "\n" + pattern;
  return name + "-" + crypto::to_hex(crypto::digest(crypto::Hash::sha256, about).substr(0, 4));
}

/// The same for the same key and name, so that a receiver can be set up with it once.
std::string default_secret(const std::string& token, const std::string& name) {
  return "whsec_" + crypto::to_base64(crypto::digest(crypto::Hash::sha256, "listen\n" + name + "\n" + token));
}

/// An event as a message has it.
Result<event::Event> read_event(const format::Value& object, const std::string& tenant) {
  event::Event event;
  const auto id = event::EventId::parse(text_of(object, "id"));
  const format::Value* data = object.find("data");
  if (!id || data == nullptr) return fail(Code::corrupt, "the server sent an event that cannot be read");
  event.id = *id;
  event.tenant = base::TenantId::parse(tenant).value_or(base::TenantId{});
  event.type = text_of(object, "type");
  event.subject = text_of(object, "subject");
  event.data = std::string(data->raw());
  const format::Value* changes = object.find("changes");
  if (changes != nullptr && changes->is_object()) event.changes = std::string(changes->raw());
  event.occurred = base::parse_rfc3339(text_of(object, "occurred_at")).value_or(base::Time{});
  return event;
}

class Listening {
 public:
  Listening(const ListenOptions& options, OutputFormat format, Remote remote, std::string name,
            crypto::WebhookSecret secret)
      : options_(options),
        format_(format),
        remote_(std::move(remote)),
        name_(std::move(name)),
        path_("/api/v1/listeners/" + percent_encode(name_)),
        secret_(std::move(secret)),
        receiver_(stop_flag(), remote_.ca_file()) {}

  int run();

 private:
  Result<void> make();
  bool take(const SseMessage& message);
  bool take_event(const SseMessage& message);
  bool show_event(const SseMessage& message, const event::Event& event);
  Result<event::Event> whole_event(const SseMessage& message);
  std::optional<http::PlainResponse> forward(const event::Event& event);
  bool acknowledge(const std::string& position, const std::string& event_id,
                   const http::PlainResponse* answer);
  bool print(const event::Event& event, const http::PlainResponse& answer);
  bool print_line(const std::string& line);
  void say(const std::string& text) const;
  int end(const base::Error& error);

  const ListenOptions& options_;
  OutputFormat format_;
  Remote remote_;
  std::string name_;
  std::string path_;
  crypto::WebhookSecret secret_;
  http::PlainClient receiver_;
  std::string tenant_;
  std::string acked_;  // the position that was acknowledged last
  std::size_t forwarded_ = 0;
  std::size_t refused_ = 0;
  bool connected_ = false;           // in this session something came
  std::optional<base::Error> over_;  // why it is no use to connect again
};

void Listening::say(const std::string& text) const { std::fprintf(stderr, "-- %s\n", text.c_str()); }

Result<void> Listening::make() {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("name").value(name_).key("event_types").begin_array();
  if (options_.patterns.empty()) json.value("*");
  for (const std::string& pattern : options_.patterns) json.value(pattern);
  json.end_array();
  if (options_.from_start) json.key("from").value("start");
  if (!options_.since.empty()) {
    XD_TRY(const std::string since, read_since(options_.since, base::SystemClock{}.now()));
    json.key("from").value(since);
  }
  json.end_object();
  XD_TRY(const auto listener, remote_.call("POST", "/api/v1/listeners", body));
  tenant_ = text_of(listener.root(), "tenant_id");
  acked_ = text_of(listener.root(), "position");
  return {};
}

int Listening::end(const base::Error& error) {
  if (options_.forward_to.empty()) {
    say("printed " + std::to_string(forwarded_));
  } else {
    say("forwarded " + std::to_string(forwarded_) + ", of which " + std::to_string(refused_) +
        " were not answered with 2xx");
  }
  return error.code == Code::cancelled ? 0 : report_remote(error);
}

int Listening::run() {
  Millis pause = kReconnectFirst;
  base::Error last;
  bool made = false;
  base::Steady lost = base::steady_now();
  for (int failures = 0; failures <= options_.reconnects_max;) {
    Result<void> ended = made ? Result<void>{} : make();
    if (ended && !made)
      say("listening as " + name_ + " on " + remote_.url() +
          (options_.forward_to.empty() ? ", printing" : ", forwarding to " + options_.forward_to));
    made = made || ended.has_value();
    connected_ = false;
    SseReader reader;
    if (ended) {
      ended = remote_.follow(path_ + "/stream", [&](std::string_view bytes) {
        if (!std::exchange(connected_, true) && failures > 0) {
          const auto away = std::chrono::duration_cast<std::chrono::seconds>(base::steady_now() - lost);
          say("connected again after " + std::to_string(away.count()) +
              " s; going on behind the last event that was acknowledged");
        }
        return reader.feed(bytes, [this](const SseMessage& message) { return take(message); });
      });
    }
    if (stop_flag()) return end({Code::cancelled, ""});
    if (over_) return end(*over_);
    if (!ended && ended.error().code != Code::unavailable && ended.error().code != Code::cancelled) {
      return end(ended.error());  // the hub is there and refuses
    }
    if (connected_) {
      failures = 0;
      pause = kReconnectFirst;
      lost = base::steady_now();
      say("the connection ended" + (ended ? std::string() : ": " + ended.error().message) + "; reconnecting");
    }
    if (!ended) last = ended.error();
    if (++failures > 1 && !connected_) say(last.message + "; trying again");
    if (!rest(pause)) return end({Code::cancelled, ""});
    pause = std::min(pause * 2, kReconnectMax);
  }
  return end({Code::unavailable, "gave up after " + std::to_string(options_.reconnects_max) +
                                     " attempts to connect: " + last.message});
}

/// False ends the session.
bool Listening::take(const SseMessage& message) {
  if (message.event == "event") return take_event(message);
  if (message.event == "superseded") {
    over_ = {Code::conflict, "another session listens as " + name_ + " now; give this one another --name"};
    return false;
  }
  if (message.event == "end") {
    over_ = {Code::unauthenticated, "the hub ended the session: " + message.data};
    return false;
  }
  if (message.event == "reset") {
    say("gap: events that were not acknowledged are no longer kept; going on with the oldest that are");
  }
  // Everything before it has been acknowledged: what is of others need not be looked through again.
  if (message.id.empty() || message.id == acked_ || message.event == "reset") return true;
  return acknowledge(message.id, "", nullptr);
}

bool Listening::take_event(const SseMessage& message) {
  const auto event = whole_event(message);
  if (!event) {
    say("cannot read an event: " + event.error().message);
    return false;
  }
  if (options_.forward_to.empty()) return show_event(message, *event);
  const auto answer = forward(*event);
  if (!answer) return false;
  // Where the line cannot be written the event has gone out all the same, and must not go out again.
  const bool printed = print(*event, *answer);
  return acknowledge(message.id, event->id.str(), &*answer) && printed;
}

/// Prints the event itself: what was printed is acknowledged.
bool Listening::show_event(const SseMessage& message, const event::Event& event) {
  ++forwarded_;
  const std::string body = outbound::make_payload(outbound::PayloadFormat::standard, event, "");
  const std::string time = base::to_rfc3339(event.occurred).substr(11, 12);
  const std::string_view data = std::string_view(event.data).substr(0, kDataShownMax);
  const std::string cut = data.size() < event.data.size() ? " …" : "";
  std::string line = time + "  " + event.type + "  " + event.id.str() + "  " + std::string(data) + cut;
  if (format_ != OutputFormat::table) line = body;
  // What was published may be written in lines.
  std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return print_line(line) && acknowledge(message.id, "", nullptr);
}

Result<event::Event> Listening::whole_event(const SseMessage& message) {
  XD_TRY(const auto document, format::parse_json(message.data));
  if (document.root().find("truncated") == nullptr) return read_event(document.root(), tenant_);
  XD_TRY(const auto whole, remote_.call("GET", "/api/v1/events/" + text_of(document.root(), "id")));
  return read_event(whole.root(), tenant_);
}

/// Tries until there is an answer, for only that is acknowledged; nothing when it is told to stop.
std::optional<http::PlainResponse> Listening::forward(const event::Event& event) {
  http::PlainRequest request{.method = "POST", .url = options_.forward_to, .total_timeout = kForwardTimeout};
  request.body = outbound::make_payload(outbound::PayloadFormat::standard, event, "");
  Millis pause = kForwardRetryFirst;
  for (bool first = true;; first = false) {
    const auto now = base::SystemClock{}.now().time_since_epoch();
    const std::string stamp = std::to_string(std::chrono::duration_cast<std::chrono::seconds>(now).count());
    request.headers = {"Content-Type: application/json", "User-Agent: crossdock/" CROSSDOCK_VERSION,
                       "webhook-id: " + event.id.str(), "webhook-timestamp: " + stamp,
                       "webhook-signature: " + secret_.sign(event.id.str(), stamp, request.body)};
    auto answer = receiver_.send(request);
    if (answer) return std::move(*answer);
    if (stop_flag()) return std::nullopt;
    if (first)
      say(event.type + " waits: " + options_.forward_to + ": " + answer.error().message + "; trying again");
    if (!rest(pause)) return std::nullopt;
    pause = std::min(pause * 2, kForwardRetryMax);
  }
}

bool Listening::acknowledge(const std::string& position, const std::string& event_id,
                            const http::PlainResponse* answer) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("position").value(position);
  if (answer != nullptr) {
    json.key("event_id").value(event_id).key("outcome").begin_object();
    json.key("status").value(answer->status).key("time_ms").value(answer->took.count());
    json.key("url").value(options_.forward_to);
    if (answer->status >= 300) json.key("error").value(answer->body.substr(0, kErrorShownMax));
    json.end_object();
  }
  json.end_object();
  const auto acknowledged = remote_.report("POST", path_ + "/ack", body);
  if (acknowledged) acked_ = position;
  // It comes again in the next session, and so does everything behind it.
  if (!acknowledged) say("cannot acknowledge: " + acknowledged.error().message);
  return acknowledged.has_value();
}

bool Listening::print(const event::Event& event, const http::PlainResponse& answer) {
  const bool good = answer.status >= 200 && answer.status < 300;
  ++forwarded_;
  refused_ += good ? 0 : 1;
  const std::string time = base::to_rfc3339(base::SystemClock{}.now());
  std::string line;
  if (format_ == OutputFormat::table) {
    std::array<char, 400> text;
    std::snprintf(text.data(), text.size(), "%s  %-28s  POST  %s  %5lld ms  %s", time.substr(11, 12).c_str(),
                  event.type.c_str(), painted(std::to_string(answer.status), good).c_str(),
                  static_cast<long long>(answer.took.count()), event.id.str().c_str());
    line = text.data();
  } else {
    format::JsonWriter json(line);
    json.begin_object().key("time").value(std::string_view(time)).key("type").value(event.type);
    json.key("event_id").value(event.id).key("method").value("POST");
    json.key("status").value(answer.status).key("time_ms").value(answer.took.count()).end_object();
  }
  return print_line(line);
}

/// False, and the end of it all, where the line cannot be written: then nobody sees what happens here.
bool Listening::print_line(const std::string& line) {
  if (std::puts(line.c_str()) >= 0 && std::fflush(stdout) == 0) return true;
  over_ = {Code::internal, "cannot write the output: " + std::string(std::strerror(errno))};
  return false;
}

Result<void> check(const ListenOptions& options) {
  if (options.from_start && !options.since.empty()) {
    return fail(Code::invalid, "--since and --from-start exclude each other");
  }
  if (options.forward_to.empty()) return {};
  if (auto target = http::parse_target(options.forward_to); !target) {
    return fail(Code::invalid, "--forward-to: " + target.error().message);
  }
  return {};
}

}  // namespace

int listen(const ListenOptions& options) {
  const auto checked = check(options);
  const auto format = choose_format(options.format);
  auto remote = Remote::make(options.remote);
  if (!checked) return report_usage(checked.error());
  if (!format) return report_usage(format.error());
  if (!remote) return report_usage(remote.error());
  const std::string name = options.name.empty() ? default_name(options) : options.name;
  const std::string text = options.secret.empty() ? default_secret(remote->token(), name) : options.secret;
  auto secret = crypto::WebhookSecret::parse(text);
  if (!secret) return report_usage(secret.error());
  if (options.print_secret) {
    std::printf("%s\n", text.c_str());
    return 0;
  }
  catch_signals();
  return Listening(options, *format, std::move(*remote), name, std::move(*secret)).run();
}

}  // namespace cli
