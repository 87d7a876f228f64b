// What is known of each sender's events: which two are one, what type they have, what a captured request can
// do.
#include <gtest/gtest.h>

#include <fstream>

#include "inbound/process/extract.hpp"
#include "inbound/receive/fixture.hpp"
#include "inbound/receive/identity.hpp"

namespace inbound {

namespace {

const SchemeConfig kConfig = {{"webhook_id", "1JE4291016473214C"},
                              {"key_id", "K1"},
                              {"verify_token", "meatyhamhock"},
                              {"topic_arn", "arn:t"},
                              {"client_id", "c"}};

/// An endpoint of which no more is said than its scheme. Its secret is not looked at here.
PreparedEndpoint endpoint_of(const std::string& preset) {
  auto said = std::make_shared<Endpoint>();
  said->path = "in";
  said->signature_scheme = format::json_string(preset);
  said->signature_config = kConfig;
  said->paths_of_scheme = true;
  said->dedup_window = std::chrono::hours{168};
  said->source = default_source(*said);
  PreparedEndpoint endpoint;
  auto scheme = std::make_shared<PreparedScheme>();
  const auto document = format::parse_json(std::string(preset_document(preset)));
  scheme->name = preset;
  scheme->scheme = *preset_scheme(preset, kConfig);
  scheme->defaults = *read_defaults(document->root());
  // The rules of the same paths, under a scheme that needs no secret.
  auto plain = std::make_shared<Endpoint>(said->copy());
  plain->signature_scheme = R"({"kind": "none"})";
  plain->paths = scheme->defaults.paths;
  plain->paths_of_scheme = false;
  auto rules = std::make_shared<PreparedRules>(*prepare_endpoint(plain)->rules);
  rules->said.of_scheme = true;
  endpoint.config = said;
  endpoint.prepared_scheme = scheme;
  endpoint.rules = rules;
  return endpoint;
}

format::Document document_of(const Preset& preset) {
  return *format::parse_json(std::string(preset_document(preset.name)));
}

TEST(Presets, answer_whether_their_ids_are_those_of_events) {
  for (const Preset& preset : presets()) {
    const auto document = document_of(preset);
    const format::Value* review = document.root().find("review");
    ASSERT_NE(review, nullptr) << preset.name;
    for (const char* answer : {"two_events_one_id", "one_event_two_ids", "source"}) {
      const format::Value* text = review->find(answer);
      EXPECT_TRUE(text != nullptr && text->is_string() && text->text().size() > 5)
          << preset.name << " " << answer;
    }
    EXPECT_EQ(review->find("handshake") != nullptr, document.root().find("challenge") != nullptr)
        << preset.name;
  }
}

struct Pair {
  const char* preset;
  Sent first;
  Sent second;
};

std::vector<Identity> identities_of(const PreparedEndpoint& endpoint, const Sent& sent) {
  const http::Request request = sent.request();
  const Message message(request, sent.url);
  Identifier identifier(endpoint, request);
  std::vector<Identity> all;
  if (!endpoint.scheme().each) {
    all.push_back(identifier.next(message, request.body));
    return all;
  }
  const auto elements = elements_of(endpoint.scheme(), message);
  EXPECT_TRUE(elements) << endpoint.prepared_scheme->name;
  for (const Element& element : *elements) all.push_back(identifier.next(element, element.value().raw()));
  return all;
}

/// "event": the second is one of its own; "repeat", "conflict".
std::string what_is_second(const Pair& pair) {
  const PreparedEndpoint endpoint = endpoint_of(pair.preset);
  const auto first = identities_of(endpoint, pair.first);
  const auto second = identities_of(endpoint, pair.second);
  EXPECT_EQ(first.size(), second.size()) << pair.preset;
  if (first.front().key.empty() || first.front().key != second.front().key) return "event";
  return first.front().body_hash == second.front().body_hash ? "repeat" : "conflict";
}

TEST(Presets, take_no_two_events_of_their_senders_for_one) {
  const Pair pairs[] = {
      {"twilio_form",
       {.headers = {{"I-Twilio-Idempotency-Token", "t1"}}, .body = "MessageSid=SM1&MessageStatus=sent"},
       {.headers = {{"I-Twilio-Idempotency-Token", "t2"}}, .body = "MessageSid=SM1&MessageStatus=delivered"}},
      {"twilio_form",
       {.body = "CallSid=CA1&CallStatus=ringing"},
       {.body = "CallSid=CA1&CallStatus=completed"}},
      {"hubspot_v3",
       {.body = R"([{"eventId":1,"subscriptionId":2,"occurredAt":3,"objectId":4}])"},
       {.body = R"([{"eventId":1,"subscriptionId":2,"occurredAt":5,"objectId":4}])"}},
      {"rentengine",
       {.body = R"({"type":"DELETE","table":"units","record":null,"old_record":{"id":1}})"},
       {.body = R"({"type":"DELETE","table":"units","record":null,"old_record":{"id":2}})"}},
      {"rentengine",
       {.body = R"({"type":"UPDATE","table":"units","record":{"id":1,"rent":900}})"},
       {.body = R"({"type":"UPDATE","table":"units","record":{"id":1,"rent":950}})"}},
      {"shopify",
       {.headers = {{"X-Shopify-Webhook-Id", "w1"},
                    {"X-Shopify-Event-Id", "e"},
                    {"X-Shopify-Topic", "orders/create"}}},
       {.headers = {{"X-Shopify-Webhook-Id", "w2"},
                    {"X-Shopify-Event-Id", "e"},
                    {"X-Shopify-Topic", "orders/paid"}}}},
      {"woocommerce",
       {.headers = {{"X-WC-Webhook-Delivery-ID", "d"}}, .body = R"({"id":1})"},
       {.headers = {{"X-WC-Webhook-Delivery-ID", "d"}}, .body = R"({"id":2})"}},
      {"gitlab_token",
       {.headers = {{"X-Gitlab-Event-UUID", "u"}, {"Idempotency-Key", "k1"}}},
       {.headers = {{"X-Gitlab-Event-UUID", "u"}, {"Idempotency-Key", "k2"}}}},
      {"docusign",
       {.body = R"({"event":"a","generatedDateTime":"t","data":{"envelopeId":"e","recipientId":"1"}})"},
       {.body = R"({"event":"a","generatedDateTime":"t","data":{"envelopeId":"e","recipientId":"2"}})"}},
      {"dropbox",
       {.body = R"({"list_folder":{"accounts":["a"]}})"},
       {.body = R"({"list_folder":{"accounts":["a"]}})"}},
      {"ms_graph",
       {.body = R"({"value":[{"lifecycleEvent":"missed","subscriptionId":"s","clientState":"c"}]})"},
       {.body = R"({"value":[{"lifecycleEvent":"missed","subscriptionId":"s","clientState":"c"}]})"}},
      {"plaid",
       {.headers = {{"Plaid-Verification", "a.b.c"}}, .body = R"({"webhook_code":"SYNC_UPDATES_AVAILABLE"})"},
       {.headers = {{"Plaid-Verification", "a.d.e"}},
        .body = R"({"webhook_code":"SYNC_UPDATES_AVAILABLE"})"}},
      {"hygraph",
       {.headers = {{"gcms-signature", "sign=x, env=master, t=1"}}, .body = R"({"operation":"publish"})"},
       {.headers = {{"gcms-signature", "sign=y, env=master, t=2"}}, .body = R"({"operation":"publish"})"}},
      {"unsigned",
       {.headers = {{"X-Goog-Message-Number", "1"}}, .body = ""},
       {.headers = {{"X-Goog-Message-Number", "2"}}, .body = ""}},
      {"bearer_token",
       {.headers = {{"X-Topic", "order.created"}}, .body = R"({"id":1})"},
       {.headers = {{"X-Topic", "order.deleted"}}, .body = R"({"id":1})"}},
      {"trello",
       {.body = R"({"action":{"id":"1"},"model":{"id":"a"}})"},
       {.body = R"({"action":{"id":"2"},"model":{"id":"a"}})"}}};
  for (const Pair& pair : pairs) EXPECT_EQ(what_is_second(pair), "event") << pair.preset << pair.second.body;
}

TEST(Presets, take_what_their_senders_send_again_for_a_repeat) {
  const Pair pairs[] = {
      {"stripe",
       {.body = R"({"id":"evt_1","pending_webhooks":2})"},
       {.body = R"({"id":"evt_1","pending_webhooks":1})"}},
      {"notion",
       {.body = R"({"id":"n1","attempt_number":1})"},
       {.body = R"({"id":"n1","attempt_number":2})"}},
      {"hubspot_v1",
       {.body = R"([{"eventId":1,"subscriptionId":2,"occurredAt":3,"attemptNumber":0}])"},
       {.body = R"([{"eventId":1,"subscriptionId":2,"occurredAt":3,"attemptNumber":1}])"}},
      {"linear",
       {.headers = {{"Linear-Delivery", "d"}}, .body = R"({"webhookTimestamp":1})"},
       {.headers = {{"Linear-Delivery", "d"}}, .body = R"({"webhookTimestamp":2})"}},
      {"slack",
       {.body = R"({"event_id":"Ev1"})"},
       {.headers = {{"X-Slack-Retry-Num", "1"}, {"X-Slack-Retry-Reason", "http_timeout"}},
        .body = R"({"event_id":"Ev1"})"}},
      {"github",
       {.headers = {{"X-GitHub-Delivery", "d"}, {"X-GitHub-Event", "push"}}},
       {.headers = {{"X-GitHub-Delivery", "d"}, {"X-GitHub-Event", "push"}}}},
      {"calendly", {.body = R"({"event":"invitee.created"})"}, {.body = R"({"event":"invitee.created"})"}},
      {"twilio_form",
       {.headers = {{"I-Twilio-Idempotency-Token", "t1"}}, .body = "MessageSid=SM1&MessageStatus=sent"},
       {.headers = {{"I-Twilio-Idempotency-Token", "t1"}}, .body = "MessageSid=SM1&MessageStatus=sent"}},
      {"twilio_form",
       {.headers = {{"X-Twilio-Signature", "a"}}, .body = "CallSid=CA1&CallStatus=ringing"},
       {.headers = {{"X-Twilio-Signature", "a"}, {"X-Retry", "1"}},
        .body = "CallSid=CA1&CallStatus=ringing"}},
      {"shopify",
       {.headers = {{"X-Shopify-Webhook-Id", "w1"}, {"X-Shopify-Topic", "orders/create"}}},
       {.headers = {{"X-Shopify-Webhook-Id", "w1"}, {"X-Shopify-Topic", "orders/create"}}}},
      // What the sender's signature covers was seen before: it is the same request under another name.
      {"mailgun",
       {.body = R"({"signature":{"token":"t"},"event-data":{"id":"1"}})"},
       {.body = R"({"signature":{"token":"t"},"event-data":{"id":"2"}})"}},
      {"mailgun", {.body = "token=t&subject=a"}, {.body = "token=t&subject=b"}},
      {"razorpay",
       {.headers = {{"X-Razorpay-Event-Id", "1"}}, .body = R"({"event":"order.paid"})"},
       {.headers = {{"X-Razorpay-Event-Id", "2"}}, .body = R"({"event":"order.paid"})"}},
      {"jira",
       {.headers = {{"X-Atlassian-Webhook-Identifier", "1"}}, .body = R"({"timestamp":1})"},
       {.headers = {{"X-Atlassian-Webhook-Identifier", "2"}}, .body = R"({"timestamp":1})"}}};
  for (const Pair& pair : pairs) EXPECT_EQ(what_is_second(pair), "repeat") << pair.preset << pair.second.body;
}

TEST(Presets, take_what_differs_under_one_id_for_a_conflict) {
  const Pair telegram{"telegram", {.body = R"({"update_id":1,"n":1})"}, {.body = R"({"update_id":1,"n":2})"}};
  EXPECT_EQ(what_is_second(telegram), "conflict") << "two bots";
}

TEST(Presets, know_the_types_of_their_senders_events) {
  struct Case {
    const char* preset;
    const char* headers;
    const char* body;
    const char* type;
  };
  for (const Case& one :
       {Case{"github", R"([["X-GitHub-Event","push"]])", "{}", "github.push"},
        Case{"github", "[]", "{}", "github.received"},
        Case{"stripe", "[]", R"({"type":"invoice.paid"})", "stripe.invoice.paid"},
        Case{"slack", "[]", R"({"type":"event_callback","event":{"type":"app_mention"}})",
             "slack.app_mention"},
        Case{"shopify", R"([["X-Shopify-Topic","orders/create"]])", "{}", "shopify.orders.create"},
        Case{"gitlab_token", "[]", R"({"object_kind":"merge_request"})", "gitlab.merge_request"},
        Case{"hubspot_v3", "[]", R"({"subscriptionType":"contact.creation"})", "hubspot.contact.creation"},
        Case{"linear", "[]", R"({"type":"Issue","action":"create"})", "linear.issue.create"},
        Case{"twilio_form", "[]", "MessageStatus=delivered", "twilio.delivered"},
        Case{"rentengine", "[]", R"({"type":"DELETE","table":"units","record":null,"old_record":{"id":2}})",
             "rentengine.units.delete"},
        Case{"ms_graph", "[]", R"({"lifecycleEvent":"missed"})", "ms_graph.missed"},
        Case{"paypal_local", "[]", R"({"event_type":"PAYMENT.CAPTURE.COMPLETED"})",
             "paypal.payment.capture.completed"},
        Case{"plaid", "[]", R"({"webhook_type":"TRANSACTIONS","webhook_code":"SYNC_UPDATES_AVAILABLE"})",
             "plaid.transactions.sync_updates_available"},
        Case{"jira", "[]", R"({"webhookEvent":"jira:issue_updated"})", "jira.jira.issue_updated"},
        Case{"zoom", "[]", R"({"event":"meeting.started"})", "zoom.meeting.started"},
        Case{"standard_webhooks", "[]", R"({"type":"invoice.paid"})", "in.invoice.paid"},
        Case{"unsigned", "[]", R"({"type":"a"})", "in.received"}}) {
    const PreparedEndpoint endpoint = endpoint_of(one.preset);
    ReceivedEvent event;
    event.method = "POST";
    event.target = "/webhooks/acme/in";
    event.headers = one.headers;
    event.body = one.body;
    const auto extracted = extract(endpoint, event);
    ASSERT_TRUE(extracted) << one.preset << extracted.error().message;
    EXPECT_EQ(decide(endpoint.rules->said, *extracted).type, one.type) << one.preset;
  }
}

}  // namespace

}  // namespace inbound
