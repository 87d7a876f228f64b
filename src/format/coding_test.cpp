#include "format/coding.hpp"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace format {

namespace {

constexpr std::string_view kText = R"({"id":"evt_1"})";

/// As zlib frames it: 15 its own frame, 31 that of gzip, -15 none.
std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string gzip(std::string_view text) { return deflated(text, 31); }

std::string zstd(std::string_view text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 19));
  return out;
}

/// kText, as Node's zlib makes it.
std::string brotli() {
  constexpr unsigned char kBytes[] = {0x8b, 0x06, 0x80, 0x7b, 0x22, 0x69, 0x64, 0x22, 0x3a,
                                      0x22, 0x65, 0x76, 0x74, 0x5f, 0x31, 0x22, 0x7d, 0x03};
  return {reinterpret_cast<const char*>(kBytes), sizeof kBytes};
}

std::string decoded(std::string_view codings, std::string_view bytes,
                    CodingLimits limits = {.bytes_max = 1000}) {
  const auto text = decode_content(codings, bytes, limits);
  return text ? *text : "error: " + text.error().message;
}

TEST(ContentCodings, are_taken_out) {
  EXPECT_EQ(decoded("gzip", gzip(kText)), kText);
  EXPECT_EQ(decoded("X-GZip", gzip(kText)), kText);
  EXPECT_EQ(decoded("gzip", gzip("a") + gzip("b")), "ab") << "members stand one behind the other";
  EXPECT_EQ(decoded("deflate", deflated(kText, 15)), kText);
  EXPECT_EQ(decoded("deflate", deflated(kText, -15)), kText) << "as some senders do";
  EXPECT_EQ(decoded("br", brotli()), kText);
  EXPECT_EQ(decoded("zstd", zstd(kText)), kText);
  EXPECT_EQ(decoded("zstd", zstd("a") + zstd("b")), "ab");
  EXPECT_EQ(decoded("gzip, zstd", zstd(gzip(kText))), kText) << "the last is taken out first";
  for (const char* none : {"", "identity", " , Identity"}) EXPECT_EQ(decoded(none, kText), kText);
}

TEST(ContentCodings, are_refused_where_they_are_none_or_cut_off) {
  for (const char* coding : {"gzip", "deflate", "br", "zstd"}) {
    EXPECT_TRUE(decoded(coding, kText).starts_with(std::string("error: the body is no ") + coding)) << coding;
    EXPECT_TRUE(decoded(coding, "").starts_with("error: ")) << coding;
  }
  for (const auto& [coding, whole] :
       {std::pair("gzip", gzip(kText)), std::pair("deflate", deflated(kText, 15)), std::pair("br", brotli()),
        std::pair("zstd", zstd(kText))}) {
    for (std::size_t size = 1; size < whole.size(); ++size)
      EXPECT_TRUE(decoded(coding, whole.substr(0, size)).starts_with("error: ")) << coding << size;
    EXPECT_TRUE(decoded(coding, whole + "x").starts_with("error: ")) << coding;
  }
  EXPECT_EQ(decoded("compress", kText),
            "error: the content coding 'compress' is not known: send gzip, deflate, br, zstd, or none");
  EXPECT_EQ(decoded("gzip,gzip,gzip", kText),
            "error: the body has 3 content codings, one over another; send at most 2");
}

TEST(ContentCodings, stay_within_their_limits) {
  const std::string large(4 << 20, 'a');
  for (const auto& [coding, bytes] :
       {std::pair("gzip", gzip(large)), std::pair("deflate", deflated(large, 15)),
        std::pair("zstd", zstd(large))}) {
    const auto too_many = decode_content(coding, bytes, {.bytes_max = 1 << 20, .ratio_max = 1'000'000});
    ASSERT_FALSE(too_many) << coding;
    EXPECT_EQ(too_many.error().code, base::Code::too_large);
    EXPECT_EQ(too_many.error().message, "decoded the body has more than 1048576 bytes");
    const auto too_dense = decode_content(coding, bytes, {.bytes_max = 8 << 20});
    ASSERT_FALSE(too_dense) << coding;
    EXPECT_EQ(too_dense.error().message, "decoded the body has more than 200 times its bytes");
    EXPECT_TRUE(decode_content(coding, bytes, {.bytes_max = 8 << 20, .ratio_max = 1'000'000})) << coding;
  }
  EXPECT_EQ(decoded("gzip", gzip(std::string(1000, 'a'))).size(), 1000U);
  EXPECT_TRUE(decoded("gzip", gzip(std::string(1001, 'a'))).starts_with("error: "));
  EXPECT_FALSE(decode_content("gzip, gzip", gzip(gzip(large)), {.bytes_max = 1 << 20}))
      << "after each coding";
}

TEST(ContentCodings, of_a_body_to_look_at_are_taken_out_as_far_as_that_goes) {
  const std::string large(4 << 20, 'a');
  std::string random;
  for (std::uint32_t i = 1; random.size() < 10'000; i = i * 1'664'525 + 1'013'904'223)
    random.push_back(static_cast<char>(i >> 24));
  for (const auto& [coding, pack] : {std::pair("gzip", &gzip), std::pair("zstd", &zstd)}) {
    const auto whole = decode_beginning(coding, pack(kText), 1000);
    ASSERT_TRUE(whole) << coding;
    EXPECT_EQ(whole->text, kText);
    EXPECT_TRUE(whole->whole);

    const auto bomb = decode_beginning(coding, pack(large), 1000);
    ASSERT_TRUE(bomb) << coding;
    EXPECT_EQ(bomb->text, std::string(1000, 'a'));
    EXPECT_FALSE(bomb->whole);
    const auto twice = decode_beginning("gzip, gzip", gzip(gzip(large)), 1000);
    EXPECT_EQ(twice->text.size(), 1000U);

    EXPECT_FALSE(decode_beginning(coding, kText, 1000)) << coding;
  }
  const auto cut = decode_beginning("gzip", gzip(random).substr(0, 6000), 100'000);
  ASSERT_TRUE(cut);
  EXPECT_TRUE(random.starts_with(cut->text));
  EXPECT_GT(cut->text.size(), 1000U);
  EXPECT_FALSE(cut->whole);
  EXPECT_EQ(decode_beginning("deflate", deflated(kText, -15), 1000)->text, kText);
  EXPECT_EQ(decode_beginning("br", brotli(), 5)->text, kText.substr(0, 5));
  EXPECT_EQ(decode_beginning("", kText, 5)->text, kText) << "there is nothing to take out";
  EXPECT_FALSE(decode_beginning("compress", kText, 1000));
}

}  // namespace

}  // namespace format
