#include "hub/ledger.hpp"

#include <gtest/gtest.h>

namespace bench {

namespace {

Uuid make_id(std::uint8_t number) {
  Uuid id;
  id.bytes[0] = number;
  return id;
}

/// A ledger of two routes with `count` events, due at 1,000 ns each, accepted 10 ns later under ids 1, 2, ….
Ledger make_ledger(std::uint32_t count) {
  Ledger ledger(count, 2);
  for (std::uint32_t seq = 0; seq < count; ++seq) {
    ledger.issue(1'000, 1'000);
    ledger.accept(seq, make_id(static_cast<std::uint8_t>(seq + 1)), 1'010);
  }
  return ledger;
}

TEST(Ledger, holds_when_everything_acknowledged_was_received) {
  Ledger ledger = make_ledger(2);
  EXPECT_EQ(ledger.missing(), 2u);
  ledger.receive(0, 0, make_id(1), 1'020);
  ledger.receive(1, 1, make_id(2), 1'030);
  EXPECT_EQ(ledger.missing(), 0u);
  EXPECT_EQ(ledger.last_received_ns(), 1'030);
  EXPECT_TRUE(ledger.verdict().holds());
  EXPECT_EQ(ledger.verdict().received, 2u);
}

TEST(Ledger, calls_lost_what_was_acknowledged_and_never_came) {
  Ledger ledger = make_ledger(3);
  ledger.receive(1, 1, make_id(2), 1'020);
  EXPECT_EQ(ledger.verdict().lost, 2u);
  EXPECT_FALSE(ledger.verdict().holds());
}

TEST(Ledger, does_not_call_lost_what_was_never_acknowledged) {
  Ledger ledger(2, 1);
  ledger.issue(0, 0);
  ledger.issue(0, 0);
  ledger.receive(1, 0, make_id(1), 10);
  const Verdict verdict = ledger.verdict();
  EXPECT_EQ(verdict.issued, 2u);
  EXPECT_EQ(verdict.lost, 0u);
  EXPECT_EQ(verdict.unacknowledged_received, 1u);
  EXPECT_TRUE(verdict.holds());
}

TEST(Ledger, counts_a_duplicate_and_does_not_fail_for_it) {
  Ledger ledger = make_ledger(1);
  ledger.receive(0, 0, make_id(1), 1'020);
  ledger.receive(0, 0, make_id(1), 1'040);
  EXPECT_EQ(ledger.verdict().duplicates, 1u);
  EXPECT_EQ(ledger.verdict().received, 1u);
  EXPECT_EQ(ledger.missing(), 0u);
  EXPECT_TRUE(ledger.verdict().holds());
}

TEST(Ledger, finds_an_event_under_another_id) {
  Ledger ledger = make_ledger(1);
  ledger.receive(0, 0, make_id(9), 1'020);
  EXPECT_EQ(ledger.verdict().wrong_id, 1u);
  EXPECT_FALSE(ledger.verdict().holds());
}

TEST(Ledger, finds_a_duplicate_under_another_id) {
  Ledger ledger = make_ledger(1);
  ledger.receive(0, 0, make_id(1), 1'020);
  ledger.receive(0, 0, make_id(9), 1'030);
  EXPECT_EQ(ledger.verdict().wrong_id, 1u);
}

TEST(Ledger, finds_an_id_that_was_given_twice) {
  Ledger ledger(2, 1);
  for (std::uint32_t seq = 0; seq < 2; ++seq) {
    ledger.issue(0, 0);
    ledger.accept(seq, make_id(1), 5);
    ledger.receive(seq, 0, make_id(1), 10);
  }
  EXPECT_EQ(ledger.verdict().repeated_id, 1u);
  EXPECT_FALSE(ledger.verdict().holds());
}

TEST(Ledger, finds_a_delivery_at_the_wrong_subscription) {
  Ledger ledger = make_ledger(2);
  ledger.receive(1, 0, make_id(2), 1'020);
  EXPECT_EQ(ledger.verdict().misrouted, 1u);
  EXPECT_FALSE(ledger.verdict().holds());
}

TEST(Ledger, finds_a_delivery_that_nobody_sent) {
  Ledger ledger = make_ledger(1);
  ledger.receive(1, 1, make_id(2), 1'020);
  EXPECT_EQ(ledger.verdict().foreign, 1u);
  EXPECT_FALSE(ledger.verdict().holds());
}

TEST(Ledger, says_when_it_is_full) {
  Ledger ledger(1, 1);
  EXPECT_EQ(ledger.issue(0, 0), 0u);
  EXPECT_FALSE(ledger.full());
  EXPECT_FALSE(ledger.issue(0, 0));
  EXPECT_TRUE(ledger.full());
}

TEST(Window, measures_acceptance_from_when_the_event_was_due) {
  Ledger ledger(1, 1);
  ledger.issue(100, 140);
  ledger.accept(0, make_id(1), 150);
  const Window window = ledger.window(100, 200);
  EXPECT_EQ(window.accept.max(), 50);
  EXPECT_EQ(window.lag.max(), 40);
}

TEST(Window, measures_receipt_from_the_acknowledgement_and_counts_the_overtaking_as_zero) {
  Ledger ledger = make_ledger(2);
  ledger.receive(0, 0, make_id(1), 1'005);
  ledger.receive(1, 1, make_id(2), 1'040);
  const Window window = ledger.window(1'000, 2'000);
  EXPECT_EQ(window.receipt.count(), 2u);
  EXPECT_EQ(window.receipt.percentile(0.5), 0);
  EXPECT_EQ(window.receipt.max(), 30);
  EXPECT_EQ(window.overtaken, 1u);
}

TEST(Window, counts_only_what_ended_within_it) {
  Ledger ledger(3, 1);
  for (const std::int64_t at : {100, 200, 300}) {
    const auto seq = *ledger.issue(at, at);
    ledger.accept(seq, make_id(static_cast<std::uint8_t>(seq)), at + 10);
    ledger.receive(seq, 0, make_id(static_cast<std::uint8_t>(seq)), at + 95);
  }
  const Window window = ledger.window(200, 300);
  EXPECT_EQ(window.accepted, 1u);
  EXPECT_EQ(window.received, 1u);
  EXPECT_EQ(window.accept.count(), 1u);
  EXPECT_EQ(window.receipt.count(), 1u);
}

TEST(Window, counts_the_backlog_at_its_end) {
  Ledger ledger = make_ledger(3);
  ledger.receive(0, 0, make_id(1), 1'020);
  ledger.receive(1, 1, make_id(2), 2'500);
  EXPECT_EQ(ledger.window(1'000, 2'000).backlog, 2u);
}

}  // namespace

}  // namespace bench
