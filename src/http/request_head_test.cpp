#include "http/request_head.hpp"

#include <gtest/gtest.h>

namespace http {

namespace {

TEST(RequestTarget, is_read_in_each_form_that_an_origin_server_takes) {  // RFC 9112, 3.2
  const struct {
    std::string_view method, target, origin_form, authority;
  } cases[] = {
      {"GET", "/a?b=c", "/a?b=c", ""},
      {"GET", "http://hub.test/a?b=c", "/a?b=c", "hub.test"},
      {"GET", "HTTPS://hub.test:8443/", "/", "hub.test:8443"},
      {"GET", "http://[::1]:80", "/", "[::1]:80"},
      {"OPTIONS", "http://hub.test", "/", "hub.test"},
      {"OPTIONS", "*", "*", ""},
  };
  for (const auto& c : cases) {
    const auto target = read_request_target(c.method, c.target);
    ASSERT_TRUE(target) << c.target;
    EXPECT_EQ(target->origin_form, c.origin_form) << c.target;
    EXPECT_EQ(target->authority, c.authority) << c.target;
  }
}

TEST(RequestTarget, is_refused_in_any_other_form) {
  const struct {
    std::string_view method, target;
  } cases[] = {{"GET", ""},           {"GET", "a"},
               {"GET", "*"},          {"CONNECT", "hub.test:443"},
               {"GET", "http:///a"},  {"GET", "http://user@hub.test/a"},
               {"GET", "ftp://a/b"},  {"GET", "http://hub.test?a"},
               {"GET", "http:/a"},    {"GET", "http://hub.test#a"},
               {"GET", "http://a b/"}};
  for (const auto& c : cases) EXPECT_FALSE(read_request_target(c.method, c.target)) << c.target;
}

}  // namespace

}  // namespace http
