// Where the bodies of requests are parsed.
#include "api/core/input.hpp"

#include <future>

#include "api/core/fixture.hpp"

namespace api {

namespace {

class Bodies : public ApiTest {
 protected:
  using Read = std::optional<Result<format::Document>>;
  static asio::awaitable<void> read_into(Call& call, Read& read) { read.emplace(co_await read_json(call)); }

  /// Whether one of so many bytes is there without the thread beside the shard, which has other work.
  bool is_read_at_once(std::size_t bytes, tenant::TenantPtr of) {
    std::promise<void> released;
    bool busy_ended = false;
    const base::Uuid nobody;
    asio::co_spawn(context,
                   offload.run(nobody,
                               [until = released.get_future().share()]() -> Result<void> {
                                 until.wait();
                                 return {};
                               }),
                   [&](const std::exception_ptr&, const Result<void>&) { busy_ended = true; });
    FakeBody body(std::string{});
    Call call{.services = services, .body = body};
    call.tenant = std::move(of);
    call.request.headers.emplace_back("Content-Type", "application/json");
    call.request.body = "\"" + std::string(bytes, 'x') + "\"";
    Read read;
    asio::co_spawn(context, read_into(call, read), asio::detached);
    context.poll();
    const bool at_once = read.has_value();
    released.set_value();
    while (!read || !busy_ended) context.run_one();
    EXPECT_EQ((*read)->root().text().size(), bytes);
    return at_once;
  }
};

INSTANTIATE_TEST_SUITE_P(Engines, Bodies, ::testing::Values(db::Engine::sqlite), ::testing::engine_name);

TEST_P(Bodies, of_more_than_32_kib_are_parsed_beside_the_shard_whosever_they_are) {
  for (const tenant::TenantPtr& of : {tenants.find(acme_id), tenant::TenantPtr{}}) {
    EXPECT_TRUE(is_read_at_once(1000, of));
    EXPECT_FALSE(is_read_at_once(33 << 10, of));
  }
}

}  // namespace

}  // namespace api
