#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "cli/commands.hpp"
#include "crypto/standard_webhooks.hpp"
#include "format/json.hpp"
#include "http/server.hpp"

namespace cli {

namespace {

using base::Result;

Result<std::vector<crypto::WebhookSecret>> read_secrets(const ReceiveOptions& options) {
  std::vector<crypto::WebhookSecret> secrets;
  std::vector<std::string> texts;
  if (!options.secret_file.empty()) {
    std::ifstream in(options.secret_file);
    if (!in) return base::fail(base::Code::invalid, "cannot read " + options.secret_file);
    for (std::string line; std::getline(in, line);) texts.push_back(line);
  } else if (const char* text = std::getenv("CROSSDOCK_RECEIVE_SECRET")) {
    texts.emplace_back(text);
  }
  for (const std::string& text : texts) {
    XD_TRY(auto secret, crypto::WebhookSecret::parse(text));
    secrets.push_back(std::move(secret));
  }
  return secrets;
}

/// Receives until it has enough or is told to stop.
class Receiver {
 public:
  Receiver(asio::io_context& context, ReceiveOptions options, std::vector<crypto::WebhookSecret> secrets,
           asio::ip::tcp::endpoint endpoint)
      : context_(context),
        options_(std::move(options)),
        secrets_(std::move(secrets)),
        server_(context.get_executor(), {.endpoint = endpoint},
                {.answer = [this](http::Request request,
                                  http::BodyReader& body) { return answer(std::move(request), body); },
                 .refuse = [](int status, std::string_view) { return http::Response{.status = status}; }}),
        signals_(context, SIGINT, SIGTERM) {}

  Result<void> start() {
    XD_DO(server_.listen());
    server_.start();
    std::fprintf(stderr, "receiving on http://%s:%d%s\n", server_.local().address().to_string().c_str(),
                 server_.local().port(),
                 secrets_.empty()
                     ? " (signatures are not checked: give the secret by CROSSDOCK_RECEIVE_SECRET or "
                       "--secret-file)"
                     : "");
    signals_.async_wait([this](boost::system::error_code cancelled, int) {
      if (!cancelled) stop();
    });
    return {};
  }

 private:
  void stop() {
    signals_.cancel();
    asio::co_spawn(context_, server_.drain(base::steady_now() + std::chrono::seconds{1}),
                   [](std::exception_ptr) {});
  }

  asio::awaitable<http::Response> answer(http::Request request, http::BodyReader& reader) {
    auto read = co_await reader.read(/*payer=*/0);
    if (!read) co_return http::Response{};
    request.body = std::move(*read);
    const crypto::WebhookHeaders headers{request.header("webhook-id"), request.header("webhook-timestamp"),
                                         request.header("webhook-signature")};
    const base::Time now = base::SystemClock{}.now();
    const auto verified = crypto::verify_webhook(secrets_, headers, request.body, now);
    std::string type = "?";
    if (auto body = format::parse_json(request.body)) {
      for (const char* member : {"type", "event_type"}) {
        if (const auto* value = body->root().find(member); value != nullptr && value->is_string())
          type = value->text();
      }
    }
    const char* verdict = secrets_.empty() ? "unchecked" : verified ? "verified" : "REFUSED";
    std::printf("%s  %-9s  %-24s  %s  %zu bytes%s%s\n", base::to_rfc3339(now).c_str(), verdict, type.c_str(),
                std::string(headers.id).c_str(), request.body.size(),
                verified || secrets_.empty() ? "" : "  ",
                verified || secrets_.empty() ? "" : verified.error().message.c_str());
    const bool printed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    if (++received_ == options_.stop_after || !printed) stop();
    http::Response response;
    response.status = secrets_.empty() || verified ? options_.status : 401;
    co_return response;
  }

  asio::io_context& context_;
  ReceiveOptions options_;
  std::vector<crypto::WebhookSecret> secrets_;
  http::Server server_;
  asio::signal_set signals_;
  std::size_t received_ = 0;
};

}  // namespace

int receive(const ReceiveOptions& options) {
  auto secrets = read_secrets(options);
  if (!secrets) return report(secrets.error());
  Values values = *read_values({{"CROSSDOCK_LISTEN", options.listen}}, "/dev/null");
  const auto config = make_config(values);
  if (!config) return report(config.error());
  boost::system::error_code error;
  const auto address = asio::ip::make_address(config->host, error);
  if (error) return report({base::Code::invalid, config->host + " is not an IP address"});
  asio::io_context context(1);
  Receiver receiver(context, options, std::move(*secrets), {address, config->port});
  if (auto started = receiver.start(); !started) return report(started.error());
  context.run();
  return 0;
}

}  // namespace cli
