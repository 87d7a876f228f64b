#include "inbound/receive/decoding.hpp"

#include <gtest/gtest.h>

#include "crypto/encoding.hpp"
#include "inbound/receive/fixture.hpp"

namespace inbound {

namespace {

/// {"id":"evt_1"}
constexpr const char* kGzip = "H4sIAAAAAAACA6tWykxRslJKLSuJN1SqBQAbULqODgAAAA==";

TEST(DecodedBodies, are_as_they_were_before_their_coding) {
  const std::string gzip = *crypto::from_base64(kGzip);
  struct Case {
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    std::optional<std::string> decoded;
    const char* problem;
  };
  for (const Case& one :
       {Case{{{"Content-Encoding", "GZip"}}, gzip, R"({"id":"evt_1"})", ""},
        Case{{{"content-encoding", "identity"}, {"content-encoding", "gzip"}}, gzip, R"({"id":"evt_1"})", ""},
        Case{{}, gzip, std::nullopt, ""},
        Case{{{"Content-Encoding", "gzip"}}, R"({"id":1})", std::nullopt, ""},
        Case{{{"Content-Encoding", "utf-8"}}, R"({"id":1})", std::nullopt, ""},
        Case{{{"Content-Encoding", "gzip"}}, "", std::nullopt, ""},
        Case{{{"Content-Encoding", "gzip"}},
             gzip.substr(0, 20),
             std::nullopt,
             "the body is no gzip: it is cut off at byte 20"},
        Case{{{"Content-Encoding", "gzip"}},
             "\xff",
             std::nullopt,
             "the body is no gzip: it is cut off at byte 1"}}) {
    const Sent sent{.headers = one.headers, .body = one.body};
    const http::Request request = sent.request();
    const Decoded decoded = decode_body(request, 1000);
    EXPECT_EQ(decoded.request.has_value(), one.decoded.has_value()) << one.body;
    if (decoded.request) EXPECT_EQ(decoded.request->body, *one.decoded);
    EXPECT_EQ(decoded.problem, one.problem);
  }
  const Sent sent{.headers = {{"Content-Encoding", "gzip"}}, .body = gzip};
  EXPECT_EQ(decode_body(sent.request(), 5).problem, "decoded the body has more than 5 bytes");
}

}  // namespace

}  // namespace inbound
