#include "http/egress.hpp"

#include <gtest/gtest.h>

namespace http {

namespace {

namespace ip = boost::asio::ip;

EgressGuard guard_allowing(std::string_view text) {
  return EgressGuard(EgressGuard::parse_allow(text).value());
}

std::string refusal(const char* address, const EgressGuard& guard = {}) {
  return guard.refusal(ip::make_address(address), 443);
}

constexpr std::pair<const char*, const char*> kRefused[] = {
    {"0.0.0.0", "this network 0.0.0.0/8"},
    {"0.255.255.255", "this network 0.0.0.0/8"},
    {"10.0.0.0", "private network 10.0.0.0/8"},
    {"10.255.255.255", "private network 10.0.0.0/8"},
    {"100.64.0.0", "shared address space 100.64.0.0/10"},
    {"100.100.100.200", "shared address space 100.64.0.0/10"},
    {"100.127.255.255", "shared address space 100.64.0.0/10"},
    {"127.0.0.1", "loopback 127.0.0.0/8"},
    {"127.255.255.255", "loopback 127.0.0.0/8"},
    {"168.63.129.16", "cloud platform service 168.63.129.16/32"},
    {"169.254.0.0", "link-local 169.254.0.0/16"},
    {"169.254.169.254", "cloud metadata service 169.254.169.254/32"},
    {"169.254.255.255", "link-local 169.254.0.0/16"},
    {"172.16.0.0", "private network 172.16.0.0/12"},
    {"172.31.255.255", "private network 172.16.0.0/12"},
    {"192.0.0.0", "IETF protocol assignments 192.0.0.0/24"},
    {"192.0.0.192", "IETF protocol assignments 192.0.0.0/24"},
    {"192.0.2.1", "documentation 192.0.2.0/24"},
    {"192.88.99.1", "6to4 relay 192.88.99.0/24"},
    {"192.168.0.0", "private network 192.168.0.0/16"},
    {"192.168.255.255", "private network 192.168.0.0/16"},
    {"198.18.0.0", "benchmarking 198.18.0.0/15"},
    {"198.19.255.255", "benchmarking 198.18.0.0/15"},
    {"198.51.100.7", "documentation 198.51.100.0/24"},
    {"203.0.113.255", "documentation 203.0.113.0/24"},
    {"224.0.0.1", "multicast 224.0.0.0/4"},
    {"239.255.255.255", "multicast 224.0.0.0/4"},
    {"240.0.0.1", "reserved 240.0.0.0/4"},
    {"255.255.255.254", "reserved 240.0.0.0/4"},
    {"255.255.255.255", "broadcast 255.255.255.255/32"},
    {"::", "unspecified ::/128"},
    {"::1", "loopback ::1/128"},
    {"::2", "IPv4-compatible ::/96"},
    {"::8.8.8.8", "IPv4-compatible ::/96"},
    {"::127.0.0.1", "IPv4-compatible ::/96"},
    {"::ffff:10.1.2.3", "private network 10.0.0.0/8"},
    {"::ffff:127.0.0.1", "loopback 127.0.0.0/8"},
    {"::ffff:169.254.169.254", "cloud metadata service 169.254.169.254/32"},
    {"::ffff:0.0.0.0", "this network 0.0.0.0/8"},
    {"::ffff:0:127.0.0.1", "not global unicast ::/3"},
    {"64:ff9b::10.0.0.1", "private network 10.0.0.0/8 behind NAT64 64:ff9b::/96"},
    {"64:ff9b::7f00:1", "loopback 127.0.0.0/8 behind NAT64 64:ff9b::/96"},
    {"64:ff9b::a9fe:a9fe", "cloud metadata service 169.254.169.254/32 behind NAT64 64:ff9b::/96"},
    {"64:ff9b::1:808:808", "not global unicast ::/3"},
    {"64:ff9b:1::808:808", "local-use NAT64 64:ff9b:1::/48"},
    {"100::1", "discard only 100::/64"},
    {"100:0:0:1::1", "not global unicast ::/3"},
    {"1fff::1", "not global unicast ::/3"},
    {"2001::1", "Teredo 2001::/32"},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "Teredo 2001::/32"},
    {"2001:1::1", "IETF protocol assignments 2001::/23"},
    {"2001:2::1", "IETF protocol assignments 2001::/23"},
    {"2001:20::1", "IETF protocol assignments 2001::/23"},
    {"2001:1ff:ffff::1", "IETF protocol assignments 2001::/23"},
    {"2001:db8::1", "documentation 2001:db8::/32"},
    {"2002:7f00:1::1", "6to4 2002::/16"},
    {"2002:808:808::1", "6to4 2002::/16"},
    {"3fff::1", "documentation 3fff::/20"},
    {"4000::1", "not global unicast 4000::/2"},
    {"5f00::1", "segment routing 5f00::/16"},
    {"8000::1", "not global unicast 8000::/1"},
    {"fc00::1", "private network fc00::/7"},
    {"fd00::1", "private network fc00::/7"},
    {"fd00:ec2::254", "cloud metadata service fd00:ec2::254/128"},
    {"fdff:ffff::1", "private network fc00::/7"},
    {"fe00::1", "not global unicast 8000::/1"},
    {"fe80::1", "link-local fe80::/10"},
    {"fe80::1%1", "link-local fe80::/10"},
    {"febf::1", "link-local fe80::/10"},
    {"fec0::1", "site-local fec0::/10"},
    {"ff02::1", "multicast ff00::/8"},
    {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast ff00::/8"},
};

TEST(EgressGuard, refuses_special_ranges_and_says_which) {
  for (const auto& [address, reason] : kRefused) {
    const std::string told = refusal(address);
    EXPECT_EQ(told.substr(0, told.find(';')), reason) << address;
  }
}

TEST(EgressGuard, says_what_allows_it_and_that_does) {
  constexpr std::string_view kAdvice = "; whoever runs the hub can allow it: CROSSDOCK_EGRESS_ALLOW=";
  for (const auto& [address, reason] : kRefused) {
    const std::string told = refusal(address);
    const std::size_t at = told.find(kAdvice);
    ASSERT_NE(at, std::string::npos) << told;

    auto allowed = EgressGuard::parse_allow(told.substr(at + kAdvice.size()));

    ASSERT_TRUE(allowed) << told;
    EXPECT_EQ(refusal(address, EgressGuard(std::move(*allowed))), "") << told;
  }
}

TEST(EgressGuard, allows_what_lies_beside_the_special_ranges) {
  for (const char* address : {"1.0.0.0",        "8.8.8.8",          "9.255.255.255",   "11.0.0.0",
                              "100.63.255.255", "100.128.0.0",      "126.255.255.255", "128.0.0.0",
                              "168.63.129.15",  "168.63.129.17",    "169.253.255.255", "169.255.0.0",
                              "172.15.255.255", "172.32.0.0",       "191.255.255.255", "192.0.1.0",
                              "192.0.3.0",      "192.88.98.255",    "192.88.100.0",    "192.167.255.255",
                              "192.169.0.0",    "198.17.255.255",   "198.20.0.0",      "198.51.99.255",
                              "198.51.101.0",   "203.0.112.255",    "203.0.114.0",     "223.255.255.255",
                              "::ffff:8.8.8.8", "64:ff9b::808:808", "2000::1",         "2001:200::1",
                              "2001:db7::1",    "2001:db9::1",      "2003::1",         "2606:4700:4700::1111",
                              "2a00:1450::1",   "3ffe::1",          "3fff:1000::1"}) {
    EXPECT_EQ(refusal(address), "") << address;
  }
}

TEST(EgressGuard, lets_the_allow_list_win) {
  const EgressGuard guard = guard_allowing(
      "10.1.0.0/16:8443, 127.0.0.1\t[::1]:9000,,[fd00::]/8:443 fe80::/10 169.254.169.254:80\n0.0.0.0/32");
  struct Case {
    const char* address;
    std::uint16_t port;
    bool allowed;
  };
  const Case cases[] = {
      {"10.1.2.3", 8443, true},
      {"10.1.2.3", 8444, false},
      {"10.2.0.0", 8443, false},
      {"10.0.255.255", 8443, false},
      {"127.0.0.1", 1, true},
      {"127.0.0.1", 65535, true},
      {"127.0.0.2", 1, false},
      {"::1", 9000, true},
      {"::1", 9001, false},
      {"::ffff:127.0.0.1", 80, true},
      {"::ffff:10.1.0.1", 8443, true},
      {"::ffff:10.1.0.1", 80, false},
      {"::127.0.0.1", 80, false},
      {"64:ff9b::127.0.0.1", 80, false},
      {"2002:7f00:1::", 80, false},
      {"fd12:3456::1", 443, true},
      {"fd12:3456::1", 80, false},
      {"fc00::1", 443, false},
      {"fe80::1%1", 80, true},
      {"169.254.169.254", 80, true},
      {"169.254.169.253", 80, false},
      {"0.0.0.0", 80, true},
      {"8.8.8.8", 80, true},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(guard.refusal(ip::make_address(c.address), c.port).empty(), c.allowed)
        << c.address << ":" << c.port;
  }
}

TEST(EgressGuard, can_be_opened_for_everything) {
  const EgressGuard guard = guard_allowing("0.0.0.0/0 [::]/0");
  for (const char* address : {"127.0.0.1", "169.254.169.254", "::1", "fe80::1", "ff02::1"}) {
    EXPECT_EQ(refusal(address, guard), "") << address;
  }
}

TEST(EgressGuard, reads_an_empty_allow_list) {
  for (const char* text : {"", " ", ",", " ,\n, "})
    EXPECT_TRUE(EgressGuard::parse_allow(text).value().empty());
}

TEST(EgressGuard, refuses_an_allow_list_with_a_mistake_and_names_the_entry) {
  for (const char* entry : {"x",
                            "10",
                            "10.0.0",
                            "10.0.0.0.0",
                            "256.0.0.0",
                            "010.0.0.1",
                            "0x7f.1",
                            "10.0.0.0/",
                            "10.0.0.0/33",
                            "10.0.0.0/-1",
                            "10.0.0.0/+8",
                            "10.0.0.0/8x",
                            "10.0.0.0/255.0.0.0",
                            "10.0.0.1/8",
                            "10.0.0.0/8/8",
                            "10.0.0.0:",
                            "10.0.0.0:0",
                            "10.0.0.0:65536",
                            "10.0.0.0:99999999999",
                            "10.0.0.0:http",
                            "10.0.0.0/8:",
                            "10.0.0.0/8:0",
                            "10.0.0.0:80/8",
                            "/8",
                            ":80",
                            "::1",
                            "[::1",
                            "::1]",
                            "[::1]9000",
                            "[::1]:",
                            "[::1]/129",
                            "[::3]/127",
                            "[::1]:0",
                            "[10.0.0.1]x",
                            "[::ffff:10.0.0.1]",
                            "[fe80::1%1]",
                            "fe80::1%1/64",
                            "localhost",
                            "example.com:443",
                            "*",
                            "http://10.0.0.1"}) {
    const auto ranges = EgressGuard::parse_allow(std::string("127.0.0.1,") + entry);

    ASSERT_FALSE(ranges) << entry;
    EXPECT_EQ(ranges.error().code, base::Code::invalid);
    EXPECT_NE(ranges.error().message.find("\"" + std::string(entry) + "\""), std::string::npos)
        << ranges.error().message;
  }
}

}  // namespace

}  // namespace http
