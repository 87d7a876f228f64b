#include "http/target_url.hpp"

#include <gtest/gtest.h>

#include "base/limits.hpp"
#include "http/egress.hpp"

namespace http {

namespace {

EgressGuard guard_allowing(std::string_view text) {
  return EgressGuard(EgressGuard::parse_allow(text).value());
}

TEST(TargetUrl, is_taken_apart) {
  struct Case {
    const char* url;
    const char* scheme;
    const char* host;
    std::uint16_t port;
    const char* path_and_query;
    bool is_address;
  };
  const Case cases[] = {
      {"https://example.com/hook?a=b", "https", "example.com", 443, "/hook?a=b", false},
      {"http://example.com", "http", "example.com", 80, "/", false},
      {"HTTP://EXAMPLE.com:8080", "http", "example.com", 8080, "/", false},
      {"https://example.com?x=1", "https", "example.com", 443, "/?x=1", false},
      {"https://example.com./a", "https", "example.com", 443, "/a", false},
      {"https://a-b_c.example.com:1/", "https", "a-b_c.example.com", 1, "/", false},
      {"https://xn--bcher-kva.example:65535/", "https", "xn--bcher-kva.example", 65535, "/", false},
      {"https://b\xc3\xbc"
       "cher.example:65535/",
       "https", "xn--bcher-kva.example", 65535, "/", false},
      {"https://B\xc3\x9c"
       "CHER.example/a?b",
       "https", "xn--bcher-kva.example", 443, "/a?b", false},
      {"https://fa\xc3\x9f.example/", "https", "xn--fa-hia.example", 443, "/", false},
      {"https://\xe4\xbe\x8b\xe3\x81\x88.example/", "https", "xn--r8jz45g.example", 443, "/", false},
      {"http://example\xe3\x80\x82"
       "com/",
       "http", "example.com", 80, "/", false},
      {"http://\xef\xbc\x91\xef\xbc\x92\xef\xbc\x97.0.0.1/", "http", "127.0.0.1", 80, "/", true},
      {"http://\xe2\x93\x9bocalhost/", "http", "localhost", 80, "/", false},
      {"https://1e100.net/", "https", "1e100.net", 443, "/", false},
      {"https://3com.com/", "https", "3com.com", 443, "/", false},
      {"https://0xg/", "https", "0xg", 443, "/", false},
      {"https://deadbeef/", "https", "deadbeef", 443, "/", false},
      {"https://10.0.0.1.nip.io/", "https", "10.0.0.1.nip.io", 443, "/", false},
      {"http://8.8.8.8/", "http", "8.8.8.8", 80, "/", true},
      {"http://134744072/", "http", "8.8.8.8", 80, "/", true},
      {"http://0x8.010.8.0x8:080/", "http", "8.8.8.8", 80, "/", true},
      {"http://[2606:4700:4700::1111]/", "http", "2606:4700:4700::1111", 80, "/", true},
      {"http://[2606:4700:4700:0:0:0:0:AB]:8080/x", "http", "2606:4700:4700::ab", 8080, "/x", true},
      {"https://h/a/../b/./c", "https", "h", 443, "/b/c", false},
      {"https://h/%41%00?%0d%0a", "https", "h", 443, "/%41%00?%0d%0a", false},
      {"https://h/@user:name", "https", "h", 443, "/@user:name", false},
      {"http://h:80?:", "http", "h", 80, "/?:", false},
      {"https://h?q=http://u@v/", "https", "h", 443, "/?q=http://u@v/", false},
  };
  for (const Case& c : cases) {
    const auto target = parse_target(c.url);

    ASSERT_TRUE(target) << c.url << " " << target.error().message;
    EXPECT_EQ(target->scheme, c.scheme) << c.url;
    EXPECT_EQ(target->host, c.host) << c.url;
    EXPECT_EQ(target->port, c.port) << c.url;
    EXPECT_EQ(target->path_and_query, c.path_and_query) << c.url;
    EXPECT_EQ(target->host_is_address, c.is_address) << c.url;
  }
}

const std::string kLongName = std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') +
                              "." + std::string(63, 'd');

const std::string kRefused[] = {
    "",
    "/",
    "//example.com/",
    "example.com",
    "example.com:80/",
    "http",
    "http:",
    "http:/",
    "http://",
    "http:///",
    // schemes
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_x",
    "dict://127.0.0.1:11211/",
    "ldap://127.0.0.1/",
    "ws://example.com/",
    "unix:///run/x.sock",
    "http+unix://%2Frun%2Fx.sock/",
    "javascript:alert(1)",
    "httpx://example.com/",
    " http://example.com/",
    "\thttp://example.com/",
    "view-source:http://example.com/",
    // slashes
    "http:example.com",
    "http:/example.com",
    "http:///example.com",
    "http:////example.com",
    "http:\\\\example.com",
    "http:/\\example.com",
    "https:\\/example.com/",
    // who is the host?
    "http://a@b/",
    "http://a:b@c/",
    "http://@b/",
    "http://a@b@c/",
    "http://127.0.0.1:80@example.com/",
    "http://example.com@127.0.0.1/",
    "http://x#@y/",
    "http://x#y",
    "http://x/#",
    "http://example.com\\@127.0.0.1/",
    "http://example.com\\.evil.com/",
    "http://a\\b/",
    "http://x;@y/",
    "http://a,b/",
    "http://a;b/",
    "http://a!b/",
    "http://a'b/",
    "http://(a)/",
    "http://a*b/",
    "http://a=b/",
    "http://a+b/",
    "http://a~b/",
    "http://a|b/",
    "http://a<b/",
    "http://a\"b/",
    "http://a^b/",
    "http://a`b/",
    "http://{a}/",
    "http://a/b\\c",
    "http://a/?b\\c",
    "http://?",
    "http://?a=b",
    "http://:80/",
    "http://:/",
    // control and other characters
    "http://exam ple.com/",
    "http://example.com/a b",
    "http://example.com/\t",
    "http://exa\tmple.com/",
    "http://exa\nmple.com/",
    "http://exa\rmple.com/",
    "http://example.com/\r\nX: y",
    std::string("http://a\0b/", 11),
    "http://example.com/\x7f",
    "http://example.com/\x01",
    "http://example.com/\xc3\xa9",
    "http://example.com/\xff",
    // characters of hosts that stand for others, or for nothing
    "http://\xe2\x84\x80.example/",  // a/c
    "http://example.com\xef\xbc\x8f.evil.example/",
    "http://example.com\xef\xbc\xa0.evil.example/",
    "http://example.com\xef\xbc\x9a"
    "80/",
    "http://\xff.example/",
    "http://\xc3.example/",
    "http://a\xe2\x80\x8e"
    "b.example/",
    // escapes and zones in the host
    "http://h%41/",
    "http://%6c%6f%63%61%6c%68%6f%73%74/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0.0.1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://a%00b/",
    "http://example.com%2f@127.0.0.1/",
    // names
    "http://a..b/",
    "http://.a/",
    "http://a../",
    "http://./",
    "http://../",
    "http://" + std::string(64, 'a') + "/",
    "http://" + kLongName + "/",
    // numbers that are no address
    "http://1.2.3.4.5/",
    "http://256.1.1.1/",
    "http://1.1.1.256/",
    "http://4294967296/",
    "http://0x100000000/",
    "http://127.0.0.1./",
    "http://127.0.0.0400/",
    "http://08.0.0.1/",
    "http://0x/",
    "http://0xz.1/",
    "http://foo.123/",
    "http://foo.0x7f/",
    "http://1.2.3.09/",
    // IPv6
    "http://::1/",
    "http://[::1/",
    "http://::1]/",
    "http://[::1]x/",
    "http://[]/",
    "http://[:]/",
    "http://[1::2::3]/",
    "http://[127.0.0.1]/",
    "http://[v1.x]/",
    "http://[::1]]/",
    "http://[[::1]]/",
    "http://[::g]/",
    "http://[::1].com/",
    // ports
    "http://h:/",
    "http://h:0/",
    "http://h:65536/",
    "http://h:99999999999999999999/",
    "http://h:-1/",
    "http://h:+80/",
    "http://h:8a/",
    "http://h:80:80/",
    "http://h:0x50/",
    "http://[::1]:",

    "http://h: 80/",
};

TEST(TargetUrl, is_refused_where_it_is_not_a_plain_http_url) {
  for (const std::string& url : kRefused) {
    const auto target = parse_target(url);

    ASSERT_FALSE(target) << url << " host " << target->host;
    EXPECT_EQ(target.error().code, base::Code::invalid) << url;
    EXPECT_EQ(target.error().reason, "") << url;
  }
}

TEST(TargetUrl, says_what_is_wrong_with_it) {
  const std::pair<const char*, const char*> cases[] = {
      {"ftp://a/", "http:// or https://"},
      {"http://a b/", "a space"},
      {"http://a/\xc3\xa9", "outside ASCII"},
      {"http://a/\\b", "backslash"},
      {"http://a/#b", "fragment"},
      {"http:///a", "no host"},
      {"http://:80/", "no host"},
      {"http://a@b/", "user info"},
      {"http://%61/", "escaped"},
      {"http://[::1%251]/", "zone"},
      {"http://a:/", "port is empty"},
  };
  for (const auto& [url, problem] : cases) {
    EXPECT_TRUE(url_problem(url).contains(problem)) << url << ": " << url_problem(url);
    EXPECT_NE(parse_target(url).error().message.find(problem), std::string::npos) << url;
  }
  EXPECT_EQ(url_problem("https://example.com:8443/a?b=c@d:"), "");
}

TEST(TargetUrl, is_at_most_2000_bytes_long) {
  const std::string start = "https://example.com/";
  const std::string fits = start + std::string(base::limits::kUrlBytesMax - start.size(), 'a');

  EXPECT_TRUE(parse_target(fits));
  EXPECT_FALSE(parse_target(fits + "a"));
}

TEST(CheckTarget, refuses_an_address_in_whatever_notation) {
  for (const char* url : {"http://127.0.0.1/",
                          "http://127.1/",
                          "http://127.0.1/",
                          "http://127.00.0.001/",
                          "http://0x7f000001/",
                          "http://0X7F000001/",
                          "http://0x7f.1/",
                          "http://0x7f.0x0.0x0.0x1/",
                          "http://2130706433/",
                          "http://017700000001/",
                          "http://00000000000000000000017700000001/",
                          "http://0177.0.0.1/",
                          "http://0177.0x0.0.1/",
                          "http://0/",
                          "http://0.0.0.0/",
                          "http://00/",
                          "http://127.1:8080/",
                          "http://10.1/",
                          "http://0xa9fea9fe/",
                          "http://2852039166/",
                          "http://169.254.169.254/latest/meta-data/",
                          "http://0251.0376.0251.0376/",
                          "http://169.16689662/",
                          "http://192.168.257/",
                          "http://172.16.1/",
                          "http://100.100.100.200/",
                          "http://192.0.0.192/",
                          "http://255.255.255.255/",
                          "http://[::1]/",
                          "http://[::]/",
                          "http://[0:0:0:0:0:0:0:1]/",
                          "http://[0000::0001]:443/",
                          "http://[::ffff:127.0.0.1]/",
                          "http://[::ffff:7f00:1]/",
                          "http://[::FFFF:A00:1]/",
                          "http://[::127.0.0.1]/",
                          "http://[64:ff9b::7f00:1]/",
                          "http://[64:FF9B::10.0.0.1]/",
                          "http://[2002:7f00:1::]/",
                          "http://[2001::1]/",
                          "http://[fd00:ec2::254]/",
                          "http://[fe80::1]/",
                          "http://[fc00::1]/",
                          "http://[ff02::1]/",
                          "http://[5f00::1]/",
                          "http://[2001:db8::1]/"}) {
    const auto target = check_target(url, EgressGuard());

    ASSERT_FALSE(target) << url << " host " << target->host;
    EXPECT_EQ(target.error().reason, "SSRF_BLOCKED") << url << " " << target.error().message;
    EXPECT_EQ(target.error().code, base::Code::invalid) << url;
  }
}

TEST(SameOrigin, is_of_urls_with_the_same_scheme_host_and_port) {
  struct Case {
    const char* url;
    const char* other;
    bool same;
  };
  const Case cases[] = {
      {"https://example.com/a", "https://example.com/b?c", true},
      {"https://example.com", "https://EXAMPLE.com:443/", true},
      {"https://example.com", "https://example.com./", true},
      {"http://134744072/", "http://8.8.8.8/", true},
      {"http://[::1]:80/", "http://[0:0::1]/", true},
      {"https://example.com", "http://example.com", false},
      {"https://example.com", "https://example.com:444", false},
      {"https://example.com", "https://www.example.com", false},
      {"https://example.com", "https://example.com.evil.example", false},
      {"https://example.com", "https://evil.example/https://example.com", false},
      {"not a url", "not a url", false},
      {"", "", false},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(same_origin(c.url, c.other), c.same) << c.url << " " << c.other;
    EXPECT_EQ(same_origin(c.other, c.url), c.same) << c.other << " " << c.url;
  }
}

TEST(CheckTarget, refuses_names_of_this_machine) {
  for (const char* url : {"http://localhost/", "https://localhost:8443/x", "http://LOCALHOST/",
                          "http://localhost./", "http://LocalHost.:80/", "http://\xe2\x93\x9bocalhost/",
                          "http://loc\xc2\xad"
                          "alhost/",
                          "http://foo.localhost/", "http://a.b.localhost./"}) {
    const auto target = check_target(url, EgressGuard());

    ASSERT_FALSE(target) << url;
    EXPECT_EQ(target.error().reason, "SSRF_BLOCKED") << url;
  }
}

TEST(CheckTarget, leaves_other_names_to_the_moment_of_connecting) {
  for (const char* url :
       {"https://example.com/", "https://localhost.example.com/", "https://notlocalhost/",
        "https://127.0.0.1.nip.io/", "https://metadata.google.internal/", "https://localhosts/"}) {
    EXPECT_TRUE(check_target(url, EgressGuard())) << url;
  }
}

TEST(CheckTarget, allows_public_addresses_and_those_of_the_allow_list) {
  const EgressGuard guard = guard_allowing("10.0.0.0/8:8443 [::1]:9000");

  EXPECT_TRUE(check_target("http://8.8.8.8/", guard));
  EXPECT_TRUE(check_target("http://[2606:4700:4700::1111]/", guard));
  EXPECT_TRUE(check_target("https://10.1:8443/", guard));
  EXPECT_FALSE(check_target("https://10.1/", guard));
  EXPECT_TRUE(check_target("http://localhost:9000/", guard)) << "one of its addresses is allowed";
  EXPECT_FALSE(check_target("http://localhost:9001/", guard));
}

}  // namespace

}  // namespace http
