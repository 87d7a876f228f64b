#include "scenarios/inbound/request.hpp"

#include <gtest/gtest.h>

#include <set>

#include "hub/wire.hpp"

namespace bench {

namespace {

WebhookRequests make_requests(std::size_t endpoints) {
  return WebhookRequests(
      {.slug = "bench-0", .port = 80, .endpoints = endpoints, .body_bytes = 1024, .webhooks = 10});
}

TEST(WebhookRequests, are_signed_with_the_secret_of_the_endpoint_whose_turn_it_is) {
  WebhookRequests requests = make_requests(3);
  const std::string text(requests.stamp(7));
  Message message;
  ASSERT_EQ(read_message(text, message), Framing::complete);
  EXPECT_EQ(path_of(message.start_line), "/webhooks/bench-0/shop-00001");
  EXPECT_EQ(message.body.size(), 1024u);
  EXPECT_EQ(message.bytes, text.size());
  EXPECT_EQ(seq_of(message.body), 7u);
  EXPECT_NE(text.find("X-GitHub-Delivery: " + delivery_id(7, Ids::timed) + "\r\n"), std::string::npos);
  std::string hex;
  for (const unsigned char byte : hmac_sha256(endpoint_secret(1), message.body)) {
    constexpr const char* kDigits = "0123456789abcdef";
    hex += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  EXPECT_NE(text.find("X-Hub-Signature-256: sha256=" + hex + "\r\n"), std::string::npos);
}

TEST(WebhookRequests, do_not_depend_on_which_was_made_before) {
  WebhookRequests requests = make_requests(2);
  const std::string fresh(requests.stamp(9));
  (void)requests.stamp(4);
  EXPECT_EQ(requests.stamp(9), fresh);
}

TEST(DeliveryId, is_distinct_and_tells_its_number) {
  std::set<std::string> ids;
  for (const std::uint32_t seq : {0u, 1u, 2u, 999'999u, 1'000'000u, UINT32_MAX}) {
    for (const Ids order : {Ids::timed, Ids::scattered})
      EXPECT_EQ(seq_of_delivery(delivery_id(seq, order)), seq);
    const std::string id = delivery_id(seq, Ids::scattered);
    EXPECT_TRUE(parse_uuid(id)) << id;
    EXPECT_EQ(seq_of_delivery(id), seq);
    ids.insert(id);
  }
  EXPECT_EQ(ids.size(), 6u);
  EXPECT_FALSE(seq_of_delivery("72d3162e-cc78-11e3-81ab-000000000001")) << "of nobody here";
  EXPECT_FALSE(seq_of_delivery(""));
}

TEST(EndpointPath, tells_its_number) {
  EXPECT_EQ(endpoint_path(42), "shop-00042");
  EXPECT_EQ(endpoint_number("shop-00042"), 42u);
  EXPECT_FALSE(endpoint_number("shop-0004x"));
  EXPECT_FALSE(endpoint_number("other"));
}

}  // namespace

}  // namespace bench
