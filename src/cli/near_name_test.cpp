#include "cli/near_name.hpp"

#include <gtest/gtest.h>

namespace cli {

namespace {

TEST(NearName, is_the_one_that_was_probably_meant) {
  const std::vector<std::string> commands = {"serve",  "migrate", "keys",    "config",     "doctor",
                                             "listen", "trigger", "receive", "deliveries", "signature"};
  const struct {
    const char* word;
    const char* meant;
  } cases[] = {{"serv", "serve"},
               {"sevre", "serve"},
               {"servee", "serve"},
               {"delivery", "deliveries"},
               {"deliverys", "deliveries"},
               {"key", "keys"},
               {"sign", ""},
               {"lsiten", "listen"},
               {"recieve", "receive"},
               {"nonsense", ""},
               {"x", ""},
               {"", ""},
               {"start", ""},
               {"triger", "trigger"}};
  for (const auto& c : cases) EXPECT_EQ(near_name(c.word, commands), c.meant) << c.word;
}

TEST(NearName, takes_the_first_of_equals_and_nothing_for_what_is_no_word) {
  EXPECT_EQ(near_name("cat", {"bat", "hat"}), "bat");
  EXPECT_EQ(near_name(std::string(100'000, 'a'), {"a"}), "");
  EXPECT_EQ(near_name("cat", {}), "");
}

}  // namespace

}  // namespace cli
