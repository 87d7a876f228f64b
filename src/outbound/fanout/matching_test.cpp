#include "outbound/fanout/matching.hpp"

#include "outbound/fanout/fanout.hpp"
#include "outbound/subscription/fixture.hpp"

namespace outbound {

namespace {

const TenantId kAcme = TenantId::make(kNow);

TEST(Matching, goes_on_where_the_steps_did_not_suffice) {
  std::vector<PreparedPtr> candidates;
  for (int i = 0; i < 20; ++i) {
    Subscription subscription = make_subscription(kAcme);
    subscription.filter = any_is(i % 2 == 0 ? 7 : 100 + i);
    candidates.push_back(std::make_shared<const Prepared>(prepare(share(std::move(subscription))).value()));
  }
  const event::EventPtr event = make_long_event(kAcme, 99'000);
  Matching matching(candidates, *event, candidates[1]->config->id);
  std::size_t slices = 0;
  for (; !matching.is_over(); ++slices) {
    const std::size_t before = matching.found();
    std::size_t steps = Matching::kSlice;
    matching.go_on(100, steps);
    EXPECT_GT(matching.found(), before) << "a slice always gets further";
  }
  EXPECT_GE(slices, 9u);

  const auto found = matching.take();

  ASSERT_EQ(found.size(), 18u) << "the first two were done";
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].subscription, candidates[i + 2].get());
    EXPECT_EQ(found[i].fate, i % 2 == 0 ? Fate::delivered : Fate::filtered);
  }
}

std::vector<queue::Task> tasks_for(Book& book, std::string filter, std::string broken) {
  Subscription subscription = make_subscription(kAcme);
  subscription.filter = std::move(filter);
  subscription.broken = std::move(broken);
  book.put(share(std::move(subscription)));
  return make_publication(book, make_event(kAcme), kNow).tasks;
}

TEST(Matching, asks_the_filter_of_a_subscription_that_cannot_be_used) {
  Book book;
  EXPECT_TRUE(tasks_for(book, R"({"field":"data.n","op":"gt","value":1})", "a closed secret").empty());
  const auto wanted = tasks_for(book, R"({"field":"data.n","op":"eq","value":1})", "a closed secret");
  ASSERT_EQ(wanted.size(), 1u);
  EXPECT_EQ(wanted[0].args, "");
}

TEST(Matching, has_a_filter_that_cannot_be_asked_now_asked_later) {
  Book book;
  const auto made = tasks_for(book, R"({"field":"data.n","op":"resembles","value":1})", "");
  ASSERT_EQ(made.size(), 1u);
  EXPECT_TRUE(read_args(made[0].args).unfiltered);
}

}  // namespace

}  // namespace outbound
