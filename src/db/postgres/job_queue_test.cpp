#include "db/postgres/job_queue.hpp"

#include <gtest/gtest.h>

namespace db {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Result;
using Clock = std::chrono::steady_clock;

constexpr auto kLong = 60s;  // of which nothing is waited for

/// Notes under its name how a job was answered.
class Answers {
 public:
  Db::Done note(const std::string& name) {
    return [this, name](const Result<void>& result) {
      heard.push_back(name + (result ? " ok" : " " + std::string(base::name(result.error().code))));
    };
  }
  std::vector<std::string> heard;
};

Db::Work nothing() {
  return [](Tx&) -> Result<void> { return {}; };
}

TEST(JobQueue, gives_jobs_in_order) {
  JobQueue queue;
  Answers answers;
  for (const char* name : {"a", "b", "c"}) queue.push(nothing(), answers.note(name));
  EXPECT_EQ(queue.size(), 3U);
  for (int i = 0; i < 3; ++i) answer(queue.take()->done, {});
  EXPECT_EQ(answers.heard, (std::vector<std::string>{"a ok", "b ok", "c ok"}));
}

TEST(JobQueue, gives_first_what_was_put_back) {
  JobQueue queue;
  Answers answers;
  queue.push(nothing(), answers.note("a"));
  queue.push(nothing(), answers.note("b"));
  queue.put_back(std::move(*queue.take()));
  answer(queue.take()->done, {});
  EXPECT_EQ(answers.heard, (std::vector<std::string>{"a ok"}));
}

TEST(JobQueue, refuses_jobs_when_closed_and_gives_those_it_has) {
  JobQueue queue;
  Answers answers;
  queue.push(nothing(), answers.note("a"));
  queue.close();
  queue.push(nothing(), answers.note("b"));
  EXPECT_EQ(answers.heard, (std::vector<std::string>{"b unavailable"}));
  EXPECT_TRUE(queue.take());
  EXPECT_FALSE(queue.take());
}

TEST(JobQueue, gives_up_jobs_that_no_connection_came_for) {
  JobQueue queue(20ms);
  Answers answers;
  queue.push(nothing(), answers.note("a"));
  queue.push(nothing(), answers.note("b"));
  queue.close();
  // Returns when the last job is gone, long before the time.
  EXPECT_FALSE(queue.wait_for_connection(Clock::now() + kLong));
  EXPECT_EQ(answers.heard, (std::vector<std::string>{"a unavailable", "b unavailable"}));
}

TEST(JobQueue, counts_the_wait_from_the_begin_of_the_outage) {
  JobQueue queue(300ms);
  Answers answers;
  queue.connected();
  queue.push(nothing(), answers.note("a"));
  EXPECT_TRUE(
      queue.wait_for_connection(Clock::now() + 350ms));  // the job grows old, but it was served all the time
  queue.disconnected();
  EXPECT_TRUE(queue.wait_for_connection(Clock::now()));
  EXPECT_EQ(answers.heard, std::vector<std::string>{});
  EXPECT_EQ(queue.size(), 1U);
}

TEST(JobQueue, keeps_jobs_while_another_connection_is_up) {
  JobQueue queue(0ms);
  Answers answers;
  queue.connected();
  queue.connected();
  queue.push(nothing(), answers.note("a"));
  queue.disconnected();
  EXPECT_TRUE(queue.wait_for_connection(Clock::now() + 5ms));
  EXPECT_EQ(answers.heard, std::vector<std::string>{});
  queue.disconnected();
  EXPECT_TRUE(queue.wait_for_connection(Clock::now() + 5ms));
  EXPECT_EQ(answers.heard, (std::vector<std::string>{"a unavailable"}));
}

TEST(JobQueue, wakes_who_waits_for_a_connection_when_another_took_the_last_job) {
  for (int round = 0; round < 100; ++round) {
    JobQueue queue;
    Answers answers;
    queue.connected();
    queue.push(nothing(), answers.note("a"));
    queue.close();
    std::atomic<bool> begun = false;
    std::thread waiting([&] {
      begun = true;
      EXPECT_FALSE(queue.wait_for_connection(Clock::now() + kLong));
    });
    while (!begun) std::this_thread::yield();
    EXPECT_TRUE(queue.take());
    waiting.join();
  }
}

TEST(JobQueue, outlives_an_answer_that_throws) {
  Db::Done done = [](const Result<void>&) { throw std::runtime_error("a bug"); };
  answer(done, {});
}

}  // namespace
}  // namespace db
