#include "base/catalog.hpp"

#include <gtest/gtest.h>

namespace base {

namespace {

struct Thing {
  int id = 0;
  int version = 1;
};
struct PreparedThing {
  std::shared_ptr<const Thing> config;
};
using Things = Catalog<int, PreparedThing>;

Things::ConfigPtr thing(int id, int version = 1) {
  return std::make_shared<const Thing>(Thing{.id = id, .version = version});
}
void put(Things& things, const Things::ConfigPtr& config) {
  things.put(std::make_shared<const PreparedThing>(PreparedThing{config}));
}

TEST(Catalog, tells_what_of_a_read_is_newer_and_what_is_gone) {
  Things things;
  put(things, thing(1));
  put(things, thing(2, 5));
  put(things, thing(3));
  const auto news = things.news_of({thing(1, 2), thing(2, 4), thing(4)}, steady_now());
  ASSERT_EQ(news.fresh.size(), 2u);
  EXPECT_EQ(news.fresh[0]->id, 1);
  EXPECT_EQ(news.fresh[1]->id, 4);
  EXPECT_EQ(news.gone, std::vector<int>{3});
  EXPECT_EQ(things.find(1)->config->version, 1) << "the caller puts what is new";
}

TEST(Catalog, believes_what_was_told_since_a_read_began) {
  Things things;
  put(things, thing(1));
  const Steady began = steady_now();
  put(things, thing(2));
  EXPECT_EQ(things.remove(1)->config->id, 1);
  EXPECT_EQ(things.remove(1), nullptr);
  const auto news = things.news_of({thing(1)}, began);
  EXPECT_TRUE(news.fresh.empty()) << "it was removed meanwhile";
  EXPECT_TRUE(news.gone.empty()) << "2 was put meanwhile";
  EXPECT_EQ(things.news_of({thing(1)}, steady_now()).fresh.size(), 1u) << "this read knows of the removal";
}

TEST(Catalog, remembers_removals_no_longer_than_any_read_takes) {
  Things things;
  const Steady began = steady_now();
  (void)things.remove(1, began + std::chrono::minutes{1});
  (void)things.remove(2, began + std::chrono::minutes{5});
  EXPECT_TRUE(things.news_of({thing(1), thing(2)}, began).fresh.empty());
  (void)things.remove(3, began + std::chrono::minutes{12});
  const auto news = things.news_of({thing(1), thing(2), thing(3)}, began);
  ASSERT_EQ(news.fresh.size(), 1u) << "that began before all of them: it would not be told so late";
  EXPECT_EQ(news.fresh[0]->id, 1);
}

TEST(Catalog, counts_a_removal_from_when_it_was_told_last) {
  Things things;
  const Steady began = steady_now();
  (void)things.remove(1, began);
  (void)things.remove(1, began + std::chrono::seconds{2});
  EXPECT_TRUE(things.news_of({thing(1)}, began + std::chrono::seconds{1}).fresh.empty());
}

}  // namespace

}  // namespace base
