#include "base/turns.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "testing/run.hpp"

namespace base {

namespace {

const Uuid kAnna{{1}};
const Uuid kBert{{2}};
const Uuid kCarl{{3}};

/// Takes a turn for each letter in its order, holds it until it is told to end, and notes who has begun.
class Play {
 public:
  explicit Play(std::size_t most) : turns_(most) {}

  void ask(const Uuid& owner, char name) {
    asio::co_spawn(
        context_,
        [](Play& play, Uuid owner, char name) -> asio::awaitable<void> {
          const Turns::Turn turn = co_await play.turns_.take(owner);
          play.begun += name;
          Waiter<bool> end;
          play.ends_.emplace(name, &end);
          co_await end.wait();
        }(*this, owner, name),
        asio::detached);
    run();
  }
  void end(char name) {
    const auto found = ends_.find(name);
    ASSERT_NE(found, ends_.end()) << name << " has not begun";
    Waiter<bool>* const waiter = found->second;
    ends_.erase(found);
    waiter->give(true);
    run();
  }
  std::size_t taken() const { return turns_.taken(); }

  std::string begun;

 private:
  void run() {
    context_.restart();
    context_.poll();
  }

  asio::io_context context_;
  Turns turns_;
  std::multimap<char, Waiter<bool>*> ends_;
};

TEST(Turns, leaves_room_for_others_whatever_one_asks_for) {
  Play play(4);
  for (int i = 0; i < 3; ++i) play.ask(kAnna, 'a');
  EXPECT_EQ(play.begun, "aa");
  play.ask(kBert, 'b');
  EXPECT_EQ(play.begun, "aab");

  play.end('a');
  EXPECT_EQ(play.begun, "aaba");
  for (const char name : {'a', 'a', 'b'}) play.end(name);
  EXPECT_EQ(play.taken(), 0U);
}

TEST(Turns, are_given_to_owners_and_not_to_whoever_asked_first) {
  Play play(2);
  play.ask(kAnna, 'a');
  play.ask(kBert, 'b');
  for (const char name : {'c', 'd'}) play.ask(kAnna, name);
  play.ask(kCarl, 'e');

  play.end('b');
  EXPECT_EQ(play.begun, "abe") << "one place is Anna's already";
  play.end('a');
  EXPECT_EQ(play.begun, "abec");
  play.end('e');
  EXPECT_EQ(play.begun, "abec");
  play.end('c');
  EXPECT_EQ(play.begun, "abecd");
  play.end('d');
  EXPECT_EQ(play.taken(), 0U);
}

}  // namespace

}  // namespace base
