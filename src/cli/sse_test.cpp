#include "cli/sse.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace cli {

namespace {

std::vector<SseMessage> read(std::string_view text, std::size_t piece) {
  SseReader reader;
  std::vector<SseMessage> messages;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    reader.feed(text.substr(0, piece), [&](const SseMessage& message) {
      messages.push_back(message);
      return true;
    });
  }
  return messages;
}

TEST(SseReader, reads_messages_however_they_are_cut) {
  const std::string text =
      "retry: 2000\n\n:hb\nid: 1-0-0\n\nid: 2\nevent: event\ndata: {\"a\":1}\n\n"
      "id:3\r\ndata: x\r\ndata: y\r\n\r\n: comment only\n\nid: 4\ndata: not whole";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    const auto messages = read(text, piece);

    ASSERT_EQ(messages.size(), 3u) << piece;
    EXPECT_EQ(messages[0].id, "1-0-0");
    EXPECT_EQ(messages[0].event, "");
    EXPECT_EQ(messages[1].event, "event");
    EXPECT_EQ(messages[1].data, "{\"a\":1}");
    EXPECT_EQ(messages[2].id, "3");
    EXPECT_EQ(messages[2].data, "x\ny");
  }
}

TEST(SseReader, stops_where_it_is_told) {
  SseReader reader;
  int count = 0;
  EXPECT_FALSE(reader.feed("id: 1\n\nid: 2\n\nid: 3\n\n", [&](const SseMessage&) { return ++count < 2; }));
  EXPECT_EQ(count, 2);
}

}  // namespace

}  // namespace cli
