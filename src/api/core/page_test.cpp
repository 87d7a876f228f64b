#include "api/core/page.hpp"

#include <gtest/gtest.h>

namespace api {

namespace {

constexpr std::size_t kRoom = base::limits::kPageBytesMax;

/// The rows that are shown of some with these sizes, and whether there are more.
std::string shown(const PageRequest& page, const std::vector<std::size_t>& bytes) {
  const PagePiece piece =
      fit_rows(page, bytes.size(), [&](std::size_t row) { return std::string(bytes[row], 'x'); });
  std::string text;
  for (std::size_t i = 0; i < piece.elements.size(); ++i) {
    EXPECT_EQ(piece.elements[i].size(), bytes[piece.begin + i]);
    text += std::to_string(piece.begin + i) + " ";
  }
  return text + (piece.more ? "more" : "");
}

TEST(ListPage, ends_at_its_limit_and_at_the_row_that_finds_no_room) {
  PageRequest page{.limit = 3};
  EXPECT_EQ(shown(page, {}), "");
  EXPECT_EQ(shown(page, {9, 9, 9}), "0 1 2 ");
  EXPECT_EQ(shown(page, {9, 9, 9, 9}), "0 1 2 more");
  EXPECT_EQ(shown(page, {kRoom - 9, 9, 9}), "0 1 more");
  EXPECT_EQ(shown(page, {9, kRoom, 9}), "0 more");
}

TEST(ListPage, shows_one_row_however_large_it_is) {
  const PageRequest page{.limit = 3};
  EXPECT_EQ(shown(page, {2 * kRoom}), "0 ");
  EXPECT_EQ(shown(page, {2 * kRoom, 9}), "0 more");
}

TEST(ListPage, that_is_read_backwards_leaves_out_the_newest) {
  const PageRequest page{.after = base::Uuid{}, .limit = 3};
  EXPECT_EQ(shown(page, {9, 9, 9, 9}), "1 2 3 more");
  EXPECT_EQ(shown(page, {9, 9, kRoom, 9}), "3 more");
  EXPECT_EQ(shown(page, {9, 2 * kRoom}), "1 more");
}

}  // namespace

}  // namespace api
