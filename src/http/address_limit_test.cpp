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

TEST(AddressLimit, tells_what_an_address_has_and_what_would_be_its_share) {
  AddressLimit limit(100, *EgressGuard::parse_allow("10.0.0.0/8"));
  EXPECT_EQ(limit.fair_share(), 16U);
  const AddressLimit::Count* many = nullptr;
  for (int i = 0; i < 60; ++i) many = limit.enter(at("192.0.2.1"));
  const AddressLimit::Count* const few = limit.enter(at("192.0.2.2"));
  const AddressLimit::Count* const proxy = limit.enter(at("10.1.2.3"));

  EXPECT_EQ(limit.fair_share(), 30U);
  EXPECT_EQ(*many, 60U);
  EXPECT_EQ(*few, 1U);
  EXPECT_EQ(*proxy, 0U);

  limit.leave(at("192.0.2.2"));
  EXPECT_EQ(limit.fair_share(), 60U) << "of one address alone all is its share";
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
