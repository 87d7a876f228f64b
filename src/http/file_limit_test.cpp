#include "http/file_limit.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

namespace http {

namespace {

TEST(FileLimit, is_raised_as_far_as_it_may_be) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = std::min<rlim_t>(before.rlim_max, 256);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);

  const FileLimit raised = raise_file_limit();

  rlimit after{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &after), 0);
  EXPECT_EQ(raised.before, low.rlim_cur);
  EXPECT_EQ(raised.now, before.rlim_max);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST(FileLimit, is_divided_between_shards_and_both_directions) {
  const struct {
    std::uint64_t files;
    std::size_t shards, in, out;
  } cases[] = {
      {1'048'576, 4, 8192, 1024},  // as many as a server looks after
      {4'096, 4, 496, 496},        //
      {1'024, 1, 448, 448},        //
      {1'024, 4, 112, 112},        //
      {64, 4, 16, 16},             // no machine is so small: it fails openly, not for want of a plan
  };
  for (const auto& c : cases) {
    const FileShare share = share_of_files(c.files, c.shards);
    EXPECT_EQ(share.connections_in, c.in) << c.files;
    EXPECT_EQ(share.connections_out, c.out) << c.files;
  }
}

}  // namespace

}  // namespace http
