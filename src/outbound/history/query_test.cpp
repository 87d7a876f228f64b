#include "outbound/history/query.hpp"

#include <gtest/gtest.h>

#include "format/json.hpp"

namespace outbound {

namespace {

DeliveryQuery read(std::string_view name, std::string_view text) {
  DeliveryQuery query;
  const auto known = read_filter_member(name, text, query);
  EXPECT_TRUE(known && *known) << name << " " << text << (known ? "" : ": " + known.error().message);
  return query;
}

std::string refusal(std::string_view name, std::string_view text) {
  DeliveryQuery query;
  const auto known = read_filter_member(name, text, query);
  EXPECT_FALSE(known) << name << " " << text;
  return known ? "" : known.error().message;
}

TEST(DeliveryFilter, reads_statuses_and_classes_of_them) {
  EXPECT_EQ(read("status_code", "503").response_status, 503);
  EXPECT_EQ(read("status_code", "5xx").response_class, 5);
  EXPECT_EQ(read("status_code", "4XX").response_class, 4);
  for (const char* wrong : {"5", "5x", "5xX", "5X0", "600", "000", "6xx", "0xx", "50a", "5000", "50:"}) {
    EXPECT_NE(refusal("status_code", wrong).find("5xx"), std::string::npos);
  }
}

TEST(DeliveryFilter, reads_each_state_once) {
  EXPECT_EQ(read("status", "FAILED,SKIPPED,FAILED").statuses,
            (std::vector<std::string>{"FAILED", "SKIPPED"}));
  EXPECT_NE(refusal("status", "FAILED,LOST").find("CANCELLED"), std::string::npos);
}

TEST(DeliveryFilter, lists_the_error_classes_where_one_is_unknown) {
  EXPECT_EQ(read("error_class", "READ_TIMEOUT").error_class, "READ_TIMEOUT");
  const std::string said = refusal("error_class", "TIMEOUT");
  for (const char* word : {"HTTP_5XX", "CONNECT_REFUSED", "OAUTH2_TOKEN", "INTERNAL"}) {
    EXPECT_NE(said.find(word), std::string::npos) << word;
  }
}

TEST(DeliveryFilter, knows_patterns_of_types_and_ranges_of_time) {
  EXPECT_EQ(read("event_type", "workitem_*").event_type, "workitem_*");
  EXPECT_NE(refusal("event_type", "order*").find("order.*"), std::string::npos);
  const base::Time noon = base::parse_rfc3339("2026-01-31T12:00:00Z").value();
  EXPECT_EQ(read("created_at[gte]", "2026-01-31T12:00:00Z").created.from, noon);
  EXPECT_EQ(read("since", "2026-01-31T13:00:00+01:00").created.from, noon);
  EXPECT_EQ(read("created_at[gt]", "2026-01-31T12:00:00Z").created.from, noon + std::chrono::milliseconds{1});
  EXPECT_EQ(read("created_at[lt]", "2026-01-31T12:00:00Z").created.before, noon);
  EXPECT_EQ(read("until", "2026-01-31T12:00:00Z").created.before, noon);
  EXPECT_EQ(read("created_at[lte]", "2026-01-31T12:00:00Z").created.before,
            noon + std::chrono::milliseconds{1});
  refusal("created_at[lte]", "noon");
}

TEST(DeliveryFilter, says_of_another_word_that_it_is_none) {
  DeliveryQuery query;
  EXPECT_FALSE(read_filter_member("created_at", "2026-01-31T12:00:00Z", query).value());
  EXPECT_FALSE(read_filter_member("colour", "blue", query).value());
  EXPECT_TRUE(read_filter_member("status", "", query).value()) << "an empty one means nothing";
  EXPECT_TRUE(filter_members_of(query).empty());
}

TEST(DeliveryFilter, writes_what_it_reads_the_same_of) {
  DeliveryQuery query;
  const std::pair<const char*, const char*> members[] = {
      {"status", "FAILED,SKIPPED"},
      {"subscription_id", "0190a6a0-0000-7000-8000-000000000001"},
      {"event_id", "0190a6a0-0000-7000-8000-000000000002"},
      {"operation_id", "0190a6a0-0000-7000-8000-000000000003"},
      {"event_type", "order.*"},
      {"status_code", "5xx"},
      {"error_class", "DNS"},
      {"error_signature", "abc"},
      {"response_time_ms[gte]", "20"},
      {"attempts[gte]", "2"},
      {"created_at[gte]", "2026-01-31T12:00:00.000Z"},
      {"created_at[lt]", "2026-01-31T13:00:00.000Z"},
      {"is_test", "false"}};
  for (const auto& [name, text] : members) ASSERT_TRUE(read_filter_member(name, text, query)) << name;

  const auto written = filter_members_of(query);

  ASSERT_EQ(written.size(), std::size(members));
  for (std::size_t i = 0; i < written.size(); ++i) {
    EXPECT_EQ(written[i].first, members[i].first);
    EXPECT_EQ(written[i].second, members[i].second);
  }
}

TEST(DeliveryFilter, takes_from_json_what_a_query_would_say) {
  const auto text = [](std::string json) {
    const auto document = format::parse_json(std::move(json)).value();
    return filter_text(document.root());
  };
  EXPECT_EQ(text("503"), "503");
  EXPECT_EQ(text(R"("5xx")"), "5xx");
  EXPECT_EQ(text("false"), "false");
  EXPECT_EQ(text(R"(["A","B"])"), "A,B");
  for (const char* wrong : {"null", "{}", "[]", "[1]", R"(["A",["B"]])"})
    EXPECT_EQ(text(wrong), std::nullopt);
}

TEST(DeliveryFilter, means_a_delivery_that_has_all_it_names) {
  Delivery one;
  one.status = "FAILED";
  one.event_type = "order.created";
  one.last.response_status = 503;
  one.last.error_class = "HTTP_5XX";
  one.last.number = 3;
  one.created = base::parse_rfc3339("2026-01-31T12:00:00Z").value();
  EXPECT_TRUE(means({}, one));
  for (const auto& [name, fits, other] :
       {std::tuple("status", "FAILED", "SKIPPED"),
        {"status_code", "5xx", "4xx"},
        {"status_code", "503", "500"},
        {"error_class", "HTTP_5XX", "DNS"},
        {"event_type", "order.*", "invoice.*"},
        {"attempts[gte]", "3", "4"},
        {"created_at[lte]", "2026-01-31T12:00:00Z", "2026-01-31T11:59:59.999Z"},
        {"is_test", "false", "true"}}) {
    EXPECT_TRUE(means(read(name, fits), one)) << name;
    EXPECT_FALSE(means(read(name, other), one)) << name;
  }
}

}  // namespace

}  // namespace outbound
