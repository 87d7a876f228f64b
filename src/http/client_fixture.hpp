// A client on an event loop of its own, which runs only while a test waits for an answer.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <deque>
#include <optional>
#include <vector>

#include "http/client.hpp"

namespace http {

class ClientFixture {
 public:
  explicit ClientFixture(Client::Options options = {}, std::string_view allow = "127.0.0.0/8,[::1]")
      : guard_(EgressGuard::parse_allow(allow).value()),
        client_(std::in_place, context_.get_executor(), guard_, std::move(options)) {}

  ~ClientFixture() { destroy(); }
  ClientFixture(const ClientFixture&) = delete;
  ClientFixture& operator=(const ClientFixture&) = delete;

  asio::io_context& context() { return context_; }
  Client& client() { return *client_; }

  /// Ends the client, and runs what that leaves to do.
  void destroy() {
    client_.reset();
    work_.reset();
    context_.run();
  }

  /// Starts an exchange; its answer appears at the index that is returned.
  std::size_t start(OutboundRequest request) {
    const std::size_t index = answers_.size();
    answers_.emplace_back();
    asio::co_spawn(context_, exchange(*this, index, std::move(request)), [](std::exception_ptr thrown) {
      if (thrown) std::rethrow_exception(thrown);
    });
    return index;
  }

  const std::optional<OutboundResponse>& answer(std::size_t index) const { return answers_[index]; }

  const OutboundResponse& await(std::size_t index) {
    while (!answers_[index]) context_.run_one();
    return *answers_[index];
  }

  OutboundResponse send(OutboundRequest request) { return await(start(std::move(request))); }
  OutboundResponse get(const std::string& url) { return send({.method = "GET", .url = url}); }

  std::vector<OutboundResponse> send_all(std::size_t count, const OutboundRequest& request) {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < count; ++i) indices.push_back(start(request));
    std::vector<OutboundResponse> answers;
    for (const std::size_t index : indices) answers.push_back(await(index));
    return answers;
  }

 private:
  static asio::awaitable<void> exchange(ClientFixture& self, std::size_t index, OutboundRequest request) {
    OutboundResponse answer = co_await self.client_->send(std::move(request));
    self.answers_[index] = std::move(answer);
  }

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{context_.get_executor()};
  EgressGuard guard_;
  std::deque<std::optional<OutboundResponse>> answers_;
  std::optional<Client> client_;
};

inline std::shared_ptr<const std::string> make_body(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace http
