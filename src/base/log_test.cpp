#include "base/log.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "base/secret.hpp"

namespace base {

namespace {

constexpr auto kNow = Time{std::chrono::microseconds{1'700'000'000'123'456}};

TEST(Log, writes_one_json_object_per_line) {
  const std::string line = format_log_line(LogFormat::json, kNow, LogLevel::warn, "delivery failed",
                                           {{"status", 503}, {"url", "https://x.example/"}, {"final", true}});
  EXPECT_EQ(line, R"({"ts":"2023-11-14T22:13:20.123Z","level":"warn","msg":"delivery failed",)"
                  R"("status":503,"url":"https://x.example/","final":true})");
}

TEST(Log, escapes_whatever_could_forge_a_second_line) {
  const std::string line = format_log_line(LogFormat::json, kNow, LogLevel::info, "a\nb",
                                           {{"v", std::string("\x1b[31m\"\\\r\x7f", 9)}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_NE(line.find(R"(a\nb)"), std::string::npos);
  EXPECT_NE(line.find(R"(\u001b[31m\"\\\r\u007f)"), std::string::npos);
}

TEST(Secret, prints_as_stars_and_wipes_its_source) {
  Secret secret(std::string("whsec_abcdefghijklmnopqrstuvwxyz0123456789"));
  std::ostringstream out;
  out << secret;
  EXPECT_EQ(out.str(), "***");
  const Secret moved = std::move(secret);
  EXPECT_EQ(moved.reveal(), "whsec_abcdefghijklmnopqrstuvwxyz0123456789");
  EXPECT_TRUE(secret.empty());  // NOLINT(bugprone-use-after-move): what is left behind is the point
}

}  // namespace

}  // namespace base
