#include "http/request_body.hpp"

#include <gtest/gtest.h>

#include <boost/beast/http/fields.hpp>

namespace http {

namespace {

constexpr std::size_t kPiece = 8 << 10;

/// Pieces of zeros as a reader puts them into a body.
struct Filling {
  explicit Filling(boost::optional<std::uint64_t> declared) { reader.init(declared, error); }

  void put(std::size_t count) {
    const std::string piece(kPiece, '\0');
    for (std::size_t i = 0; i < count; ++i) reader.put(boost::asio::buffer(std::as_const(piece)), error);
  }

  boost::beast::http::header<true> header;
  boost::system::error_code error;
  std::string body;
  RequestBody::reader reader{header, body};
};

TEST(RequestBody, takes_no_memory_for_what_is_only_declared) {
  Filling filling(std::size_t{1} << 30);

  EXPECT_LT(filling.body.capacity(), kPiece);
  filling.put(1);
  EXPECT_LT(filling.body.capacity(), 2 * kPiece);
}

TEST(RequestBody, has_at_most_twice_what_has_arrived_and_no_more_than_is_declared) {
  Filling declared(100 * kPiece);
  Filling chunked(boost::none);
  for (std::size_t pieces = 1; pieces <= 100; ++pieces) {
    declared.put(1);
    chunked.put(1);

    ASSERT_EQ(declared.body.size(), pieces * kPiece);
    ASSERT_LE(declared.body.capacity(), std::min<std::size_t>(2 * pieces, 100) * kPiece);
    ASSERT_LE(chunked.body.capacity(), 2 * pieces * kPiece);
  }
}

TEST(RequestBody, keeps_what_it_has_while_it_grows) {
  Filling filling(boost::none);
  for (const std::string_view piece : {"one ", "two, which is longer than a short string is ", "three"})
    filling.reader.put(boost::asio::buffer(piece), filling.error);

  EXPECT_EQ(filling.body, "one two, which is longer than a short string is three");
}

}  // namespace

}  // namespace http
