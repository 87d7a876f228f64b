#include "http/router.hpp"

#include <gtest/gtest.h>

namespace http {

namespace {

using Found = Router::Found;
using Params = std::vector<std::pair<std::string, std::string>>;

constexpr Route kRoutes[] = {
    {"GET", "/"},                                  // 0
    {"GET", "/events"},                            // 1
    {"POST", "/events"},                           // 2
    {"GET", "/events/:id"},                        // 3
    {"DELETE", "/events/:event"},                  // 4: the same place by another name
    {"GET", "/events/latest"},                     // 5
    {"POST", "/events/:id/replay"},                // 6
    {"GET", "/events/latest/attempts/:n"},         // 7
    {"GET", "/tenants/:tenant/keys/:key"},         // 8
    {"POST", "/events/batch"},                     // 9
    {"HEAD", "/health"},                           // 10
    {"GET", "/health"},                            // 11
    {"PUT", "/tenants/:tenant/keys/:key/limits"},  // 12
    {"GET", "/events/:id/attempts/:n/log"}         // 13
};

Router::Match match(std::string_view method, std::string_view path) {
  static const Router router(kRoutes);
  return router.match(method, path);
}

Params params(const Router::Match& match) { return {match.params.begin(), match.params.end()}; }

TEST(Router, finds_a_row_by_method_and_path) {
  const struct {
    const char* method;
    const char* path;
    std::size_t route;
  } cases[] = {{"GET", "/", 0},
               {"GET", "/events", 1},
               {"POST", "/events", 2},
               {"GET", "/events/7", 3},
               {"DELETE", "/events/7", 4},
               {"POST", "/events/7/replay", 6},
               {"GET", "/tenants/a/keys/b", 8},
               {"PUT", "/tenants/a/keys/b/limits", 12}};
  for (const auto& c : cases) {
    const auto found = match(c.method, c.path);

    EXPECT_EQ(found.found, Found::route) << c.method << " " << c.path;
    EXPECT_EQ(found.route, c.route) << c.method << " " << c.path;
    EXPECT_EQ(found.allow, "");
  }
}

TEST(Router, gives_the_parameters_in_the_order_and_by_the_names_of_the_row) {
  EXPECT_EQ(params(match("GET", "/events")), Params{});
  EXPECT_EQ(params(match("GET", "/events/7")), (Params{{"id", "7"}}));
  EXPECT_EQ(params(match("DELETE", "/events/7")), (Params{{"event", "7"}}));
  EXPECT_EQ(params(match("GET", "/tenants/a/keys/b")), (Params{{"tenant", "a"}, {"key", "b"}}));
}

TEST(Router, decodes_parameters_after_parting_the_path) {
  EXPECT_EQ(params(match("GET", "/events/a%2Fb+c%20d")), (Params{{"id", "a/b+c d"}}));
  EXPECT_EQ(params(match("GET", "/events/%252e")), (Params{{"id", "%2e"}}));
  EXPECT_EQ(params(match("GET", "/events/:id")), (Params{{"id", ":id"}}));
}

TEST(Router, knows_no_path_with_a_bad_escape_in_a_parameter) {
  for (const char* path : {"/events/%", "/events/a%4", "/events/%zz", "/events/%00"}) {
    const auto found = match("GET", path);

    EXPECT_EQ(found.found, Found::no_such_path) << path;
    EXPECT_EQ(params(found), Params{}) << path;
  }
}

TEST(Router, knows_no_path_that_differs_in_anything) {
  for (const char* path :
       {"", "events", "/Events", "/event", "/eventsx", "/events/", "//events", "/events//replay",
        "/events/7/", "/events/7/replay/", "/events/7/other", "/tenants/a/keys", "/tenants/a/keys/",
        "/tenants//keys/b", "/%65vents", "/events/latest/attempts"}) {
    EXPECT_EQ(match("GET", path).found, Found::no_such_path) << path;
    EXPECT_EQ(match("POST", path).found, Found::no_such_path) << path;
  }
}

TEST(Router, prefers_a_literal_to_a_parameter) {
  const auto found = match("GET", "/events/latest");

  EXPECT_EQ(found.route, 5u);
  EXPECT_EQ(params(found), Params{});
  EXPECT_EQ(match("GET", "/events/latest/attempts/2").route, 7u);
  EXPECT_EQ(params(match("GET", "/events/latest/attempts/2")), (Params{{"n", "2"}}));
}

TEST(Router, lets_a_literal_that_leads_nowhere_give_way_to_the_parameter) {
  const auto found = match("POST", "/events/latest/replay");

  EXPECT_EQ(found.found, Found::route);
  EXPECT_EQ(found.route, 6u);
  EXPECT_EQ(params(found), (Params{{"id", "latest"}}));
  const auto deeper = match("GET", "/events/latest/attempts/2/log");
  EXPECT_EQ(deeper.route, 13u);
  EXPECT_EQ(params(deeper), (Params{{"id", "latest"}, {"n", "2"}}));
}

TEST(Router, tells_the_methods_of_a_path_that_has_another) {
  const auto found = match("PUT", "/events");

  EXPECT_EQ(found.found, Found::no_such_method);
  EXPECT_EQ(found.allow, "GET, HEAD, OPTIONS, POST");
  EXPECT_EQ(params(found), Params{});
  EXPECT_EQ(match("POST", "/events/7").allow, "DELETE, GET, HEAD, OPTIONS");
  EXPECT_EQ(match("get", "/events").found, Found::no_such_method);
}

TEST(Router, answers_head_by_the_row_of_get_unless_it_has_its_own) {
  EXPECT_EQ(match("HEAD", "/events").route, 1u);
  EXPECT_EQ(params(match("HEAD", "/events/7")), (Params{{"id", "7"}}));
  EXPECT_EQ(match("HEAD", "/health").route, 10u);
  EXPECT_EQ(match("GET", "/health").route, 11u);
  EXPECT_EQ(match("HEAD", "/events/7/replay").found, Found::no_such_method);
}

TEST(Router, prefers_a_literal_also_where_only_the_parameter_has_the_method) {
  const auto found = match("GET", "/events/batch");

  EXPECT_EQ(found.found, Found::no_such_method);
  EXPECT_EQ(found.allow, "OPTIONS, POST");
}

TEST(RouterDeathTest, refuses_two_rows_of_one_method_and_shape) {
  static constexpr Route kTwice[] = {{"GET", "/events/:id"}, {"GET", "/events/:event"}};

  EXPECT_DEATH(Router{kTwice}, "rows.emplace");
}

}  // namespace

}  // namespace http
