#include "cli/remote.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/version.hpp"
#include "cli/store.hpp"
#include "http/egress.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;

/// The server says something every 15 seconds.
constexpr std::chrono::seconds kSilenceMax{45};
constexpr std::chrono::seconds kReportTimeout{5};

std::atomic<bool> stopped = false;

const std::atomic<bool> never_stopped = false;

void on_signal(int signal) {
  stopped = true;
  std::signal(signal, SIG_DFL);
}

std::string or_environment(const std::string& given, const char* name, const char* fallback) {
  if (!given.empty()) return given;
  const char* text = std::getenv(name);
  return text != nullptr && *text != '\0' ? text : fallback;
}

Code code_of(int status) {
  switch (status) {
    case 401: return Code::unauthenticated;
    case 403: return Code::forbidden;
    case 404: return Code::not_found;
    case 409:
    case 412: return Code::conflict;
    case 413: return Code::too_large;
    default: return status >= 500 || status == 429 ? Code::unavailable : Code::invalid;
  }
}

/// What a problem says, in a few lines.
std::string explain(const http::PlainResponse& response) {
  const auto document = format::parse_json(response.body);
  if (!document || !document->root().is_object() || text_of(document->root(), "detail").empty()) {
    return "the server answered " + std::to_string(response.status);
  }
  const format::Value& problem = document->root();
  std::string text = text_of(problem, "detail");
  if (text.contains("X-Tenant-Id")) text += " (--tenant or CROSSDOCK_TENANT)";
  if (const format::Value* errors = problem.find("errors"); errors != nullptr) {
    for (const format::Value& each : errors->elements()) {
      text.append("\n  ").append(text_of(each, "pointer")).append(": ").append(text_of(each, "detail"));
    }
  }
  return text + "\n  " + text_of(problem, "code") + ", request " + text_of(problem, "request_id");
}

}  // namespace

const std::atomic<bool>& stop_flag() { return stopped; }

void catch_signals() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

Remote::Remote(std::string url, std::string token, std::string tenant, std::string ca_file)
    : url_(std::move(url)),
      token_(std::move(token)),
      tenant_(std::move(tenant)),
      ca_file_(std::move(ca_file)),
      calls_(std::make_unique<http::PlainClient>(stopped, ca_file_)),
      reports_(std::make_unique<http::PlainClient>(never_stopped, ca_file_)),
      streams_(std::make_unique<http::PlainClient>(stopped, ca_file_)) {}

Result<Remote> Remote::make(const RemoteOptions& options) {
  std::string url = or_environment(options.url, "CROSSDOCK_URL", "http://127.0.0.1:8080");
  while (url.ends_with('/')) url.pop_back();
  if (auto target = http::parse_target(url); !target) {
    return fail(Code::invalid, "--url (or CROSSDOCK_URL): " + target.error().message);
  }
  std::string token = or_environment(options.token, "CROSSDOCK_API_KEY", "");
  if (token.empty()) return fail(Code::invalid, "no API key: set CROSSDOCK_API_KEY, or give --token");
  std::string ca_file = or_environment(options.ca_file, "CROSSDOCK_CA_FILE", "");
  XD_DO(check_authorities(ca_file, "--ca-file (or CROSSDOCK_CA_FILE)"));
  return Remote(std::move(url), std::move(token), or_environment(options.tenant, "CROSSDOCK_TENANT", ""),
                std::move(ca_file));
}

http::PlainRequest Remote::request(const std::string& method, const std::string& path) const {
  http::PlainRequest request{.method = method, .url = url_ + path};
  request.headers = {"Authorization: Bearer " + token_, "User-Agent: crossdock/" CROSSDOCK_VERSION};
  if (!tenant_.empty()) request.headers.push_back("X-Tenant-Id: " + tenant_);
  return request;
}

Result<format::Document> Remote::call(const std::string& method, const std::string& path,
                                      const std::string& body) {
  return ask(*calls_, with_body(method, path, body));
}

Result<format::Document> Remote::report(const std::string& method, const std::string& path,
                                        const std::string& body) {
  http::PlainRequest wanted = with_body(method, path, body);
  wanted.total_timeout = kReportTimeout;
  return ask(*reports_, wanted);
}

http::PlainRequest Remote::with_body(const std::string& method, const std::string& path,
                                     const std::string& body) const {
  http::PlainRequest wanted = request(method, path);
  wanted.body = body;
  if (!body.empty()) wanted.headers.emplace_back("Content-Type: application/json");
  return wanted;
}

Result<format::Document> Remote::ask(http::PlainClient& client, const http::PlainRequest& wanted) const {
  auto response = client.send(wanted);
  if (!response) {
    return fail(response.error().code, "cannot reach " + url_ + ": " + response.error().message +
                                           "; does the hub run? Name another by --url or CROSSDOCK_URL");
  }
  if (response->status >= 300) return fail(code_of(response->status), explain(*response));
  return format::parse_json(response->body.empty() ? "null" : std::move(response->body));
}

Result<void> Remote::follow(const std::string& path, const http::PlainClient::Sink& sink) {
  http::PlainRequest wanted = request("GET", path);
  wanted.headers.emplace_back("Accept: text/event-stream");
  wanted.total_timeout = std::chrono::milliseconds{0};
  wanted.silence_max = kSilenceMax;
  auto response = streams_->send(wanted, sink);
  if (!response) return std::unexpected(response.error());
  if (response->status >= 300) return fail(code_of(response->status), explain(*response));
  return {};
}

int report_remote(const base::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  switch (error.code) {
    case Code::not_found: return 3;
    case Code::unauthenticated:
    case Code::forbidden: return 4;
    case Code::conflict: return 5;
    case Code::unavailable: return 6;
    default: return 1;
  }
}

int report_usage(const base::Error& error) {
  report_remote(error);
  return 2;
}

std::string percent_encode(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~' || c == ',';
    const auto byte = static_cast<unsigned char>(c);
    plain ? out.append(1, c) : out.append({'%', kHex[byte >> 4], kHex[byte & 15]});
  }
  return out;
}

std::string text_of(const format::Value& object, std::string_view key) {
  const format::Value* value = object.is_object() ? object.find(key) : nullptr;
  return value != nullptr && value->is_string() ? std::string(value->text()) : std::string();
}

}  // namespace cli
