#include "api/core/problem.hpp"

#include <gtest/gtest.h>

#include "format/json.hpp"

namespace api {

namespace {

using base::Code;
using base::Error;

struct Case {
  Error error;
  int status;
  std::string_view code;
};

TEST(Problem, tells_nothing_of_what_the_store_said) {
  const auto said = [](Code code, std::string reason = {}) {
    return Error{code, "PostgreSQL 22021: no, in: INSERT INTO events", std::move(reason), {}, true};
  };
  const Case cases[] = {{said(Code::invalid), 500, "INTERNAL"},
                        {said(Code::conflict), 409, "CONFLICT_STATE"},
                        {said(Code::unavailable), 503, "UNAVAILABLE"},
                        {said(Code::unavailable, "STORAGE_FULL"), 503, "STORAGE_FULL"},
                        {said(Code::unavailable, "OUTCOME_UNKNOWN"), 503, "OUTCOME_UNKNOWN"},
                        {said(Code::corrupt), 500, "INTERNAL"}};
  for (const Case& one : cases) {
    const http::Response response = problem(one.error, {.instance = "/api/v1/events", .request_id = "r-1"});
    EXPECT_EQ(response.status, one.status) << one.code;
    EXPECT_EQ(response.body.find("PostgreSQL"), std::string::npos) << response.body;
    EXPECT_EQ(response.body.find("INSERT"), std::string::npos) << response.body;
    const auto document = format::parse_json(response.body);
    ASSERT_TRUE(document);
    EXPECT_EQ(document->root().find("code")->text(), one.code);
    EXPECT_EQ(document->root().find("request_id")->text(), "r-1");
  }
}

TEST(Problem, asks_for_a_key_only_where_a_key_helps) {
  const auto asks = [](std::string reason) {
    const http::Response response = problem({Code::unauthenticated, "no", std::move(reason)}, {});
    EXPECT_EQ(response.status, 401);
    return std::ranges::any_of(response.headers, [](const auto& header) {
      return header == std::pair<std::string, std::string>("WWW-Authenticate", "Bearer");
    });
  };
  EXPECT_TRUE(asks(""));
  EXPECT_FALSE(asks("SIGNATURE_REFUSED"));
}

TEST(Problem, tells_what_is_meant_for_the_caller) {
  const http::Response response = problem({Code::conflict, "the name is taken"}, {});
  EXPECT_NE(response.body.find("the name is taken"), std::string::npos);
}

}  // namespace

}  // namespace api
