// Who is let in while there are more connections than can be served.
#include "api/core/auth.hpp"

#include "api/core/fixture.hpp"

namespace api {

namespace {

class Crowd : public ApiTest {};

INSTANTIATE_TEST_SUITE_P(Engines, Crowd, ::testing::both_engines(), ::testing::engine_name);

TEST_P(Crowd, leaves_the_reserve_to_the_platforms_administrators_and_to_who_watches) {
  const std::string platform = make_key(std::nullopt);
  const std::string tenants = make_key(acme_id);
  const auto status = [&](const std::string& target, const std::string& key, bool crowded) {
    return ask({.target = target, .key = key, .crowded = crowded}).status;
  };

  for (const bool crowded : {false, true}) {
    EXPECT_EQ(status("/api/v1/tenants", platform, crowded), 200);
    EXPECT_EQ(status("/livez", "", crowded), 200);
    EXPECT_EQ(status("/api/v1/events", tenants, crowded), crowded ? 503 : 200);
    EXPECT_EQ(status("/api/v1/events", "cdk_nobodys", crowded), 401);
  }
  const http::Response refused = ask({.target = "/api/v1/events", .key = tenants, .crowded = true});
  EXPECT_TRUE(refused.body.contains("more connections than can be served")) << refused.body;
}

}  // namespace

}  // namespace api
