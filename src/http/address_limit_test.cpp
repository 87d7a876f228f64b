#include "http/address_limit.hpp"

#include <gtest/gtest.h>

namespace http {

namespace {

boost::asio::ip::address at(const char* text) { return boost::asio::ip::make_address(text); }

TEST(AddressLimit, refuses_an_address_that_has_as_many_as_it_may_until_one_ends) {
  AddressLimit limit(2, {});
  EXPECT_TRUE(limit.enter(at("192.0.2.1")));
  EXPECT_TRUE(limit.enter(at("192.0.2.1")));

  EXPECT_FALSE(limit.enter(at("192.0.2.1")));
  EXPECT_FALSE(limit.enter(at("::ffff:192.0.2.1"))) << "the same address in IPv6";
  EXPECT_TRUE(limit.enter(at("192.0.2.2")));

  limit.leave(at("192.0.2.1"));
  EXPECT_TRUE(limit.enter(at("192.0.2.1")));
}

TEST(AddressLimit, counts_an_ipv6_network_as_one_address) {
  AddressLimit limit(1, {});
  EXPECT_TRUE(limit.enter(at("2001:db8:0:1::1")));

  EXPECT_FALSE(limit.enter(at("2001:db8:0:1:ffff::2")));
  EXPECT_TRUE(limit.enter(at("2001:db8:0:2::1")));
}

TEST(AddressLimit, leaves_proxies_alone_and_everybody_where_there_is_none) {
  AddressLimit behind_proxy(1, *EgressGuard::parse_allow("10.0.0.0/8"));
  AddressLimit none(0, {});
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(behind_proxy.enter(at("10.1.2.3")));
    EXPECT_TRUE(none.enter(at("192.0.2.1")));
  }
}

}  // namespace

}  // namespace http
