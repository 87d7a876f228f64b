// What of a request templates may make, and that no more is made.
#include "crypto/work.hpp"

#include <gtest/gtest.h>

#include "inbound/receive/fixture.hpp"
#include "inbound/receive/identity.hpp"

namespace inbound {

namespace {

using crypto::Check;

constexpr std::size_t kLarge = 1 << 20;

std::string times(std::string_view text, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) all += text;
  return all;
}

Check::Step step_of(const std::string& scheme, const Sent& sent) {
  const PreparedEndpoint endpoint = prepared({.scheme = scheme});
  return verify(endpoint.scheme(), endpoint.keys_at(kNow), sent).step;
}

std::string hmac_of(const std::string& content) {
  return R"({"kind": "hmac", "sig": "header:x-sig", "content": ")" + content + R"("})";
}

TEST(Work, of_a_signature_is_bounded) {
  struct Case {
    std::string content;
    std::string body;
    Check::Step step;
  };
  const std::string escaped(kLarge, '\x01');
  const std::string members = times("a&", 10'001);
  for (const Case& one :
       {Case{"{body}", escaped, Check::Step::signature_differs},
        Case{times("{sha1(form_sorted)}", 32), times("a&", 10'000), Check::Step::signature_differs},
        Case{"{sha1(form_sorted)}", members, Check::Step::too_much_work},
        Case{"{body}", members, Check::Step::signature_differs},
        Case{"{json(body)}", escaped, Check::Step::signature_differs},
        Case{"{secret}" + times("{json(body)}", 31), escaped, Check::Step::too_much_work},
        Case{times("{body}", 20), escaped, Check::Step::too_much_work}}) {
    EXPECT_EQ(step_of(hmac_of(one.content), {.headers = {{"X-Sig", "ab12"}}, .body = one.body}), one.step)
        << one.content;
  }
}

TEST(Work, of_a_wrong_signature_never_lets_it_pass) {
  const std::string nothing = crypto::to_hex(crypto::hmac(crypto::Hash::sha256, "s3cr/t", ""));
  EXPECT_EQ(step_of(hmac_of(times("{body}", 20)),
                    {.headers = {{"X-Sig", nothing}}, .body = std::string(kLarge, 'x')}),
            Check::Step::too_much_work);
}

/// The bytes that ids of a batch take; nothing where that is too much.
std::optional<std::size_t> work_of_ids(const std::string& id, const std::string& body) {
  const PreparedEndpoint endpoint =
      prepared({.scheme = R"({"kind": "none", "each": "json:$", "id": ")" + id + R"("})"});
  const Sent sent{.body = body};
  const http::Request request = sent.request();
  const Message message(request, "");
  const auto elements = elements_of(endpoint.scheme(), message);
  EXPECT_TRUE(elements);
  for (const Element& element : *elements) (void)external_id(endpoint, element);
  if (message.work().has_problem()) return std::nullopt;
  return message.work().used();
}

TEST(Work, of_what_is_the_same_for_all_elements_is_done_once) {
  const std::string body = "[\"" + std::string(kLarge, 'x') + "\"" + times(",{\"b\":1}", 999) + "]";
  const auto used = work_of_ids("hash:" + times("{sha1(form_sorted)}{xml://a}{json:b}", 10), body);
  ASSERT_TRUE(used);
  EXPECT_LT(*used, 3 * body.size());
  EXPECT_LT(work_of_ids("hash:{body}", body).value(), 2 * body.size());
}

TEST(Work, of_all_elements_together_is_bounded) {
  const std::string body = "[\"" + std::string(kLarge, 'x') + "\"" + times(",{\"b\":1}", 999) + "]";
  EXPECT_FALSE(work_of_ids("hash:{body}{json:b}", body));
  EXPECT_FALSE(work_of_ids("hash:{json:$}{form:x}" + times("{body}", 20), body));
}

TEST(Work, of_an_answer_is_bounded_before_it_is_made) {
  const Sent sent{.body = std::string(kLarge, '\x01')};
  const http::Request request = sent.request();
  for (const auto& [text, bytes] : {std::pair{"{json(body)}", 0}, {"{sha256(body)}", 64}, {"{body}", 0}}) {
    const Message message(request, "");
    EXPECT_EQ(fill(crypto::Recipe::parse(text).value(), nullptr, message).size(),
              static_cast<std::size_t>(bytes));
    EXPECT_EQ(message.work().has_problem(), bytes == 0) << text;
    EXPECT_LE(message.work().used(), 2 * kLarge) << text;
  }
}

}  // namespace

}  // namespace inbound
