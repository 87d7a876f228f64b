#include "format/coding.hpp"

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "base/text.hpp"

namespace format {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::size_t kRatioFree = 64 << 10;
constexpr std::size_t kPieceBytes = 16 << 10;
constexpr int kZstdWindowLogMax = 23;  // 8 MiB, which RFC 9659 has receivers support, and no more

std::unexpected<base::Error> broken(std::string_view coding, std::string_view what, std::size_t at) {
  return fail(Code::invalid, "the body is no " + std::string(coding) + ": " + std::string(what) +
                                 " at byte " + std::to_string(at));
}

/// What comes out, as long as it is within the limits.
class Output {
 public:
  Output(std::size_t bytes_in, const CodingLimits& limits) : bytes_in_(bytes_in), limits_(limits) {}

  /// Where the next piece is written.
  std::span<char> room() { return piece_; }
  Result<void> take(std::size_t bytes) {
    text_.append(piece_.data(), bytes);
    if (text_.size() > limits_.bytes_max) {
      return fail(Code::too_large,
                  "decoded the body has more than " + std::to_string(limits_.bytes_max) + " bytes");
    }
    if (text_.size() > kRatioFree && text_.size() / limits_.ratio_max > bytes_in_) {
      return fail(Code::too_large,
                  "decoded the body has more than " + std::to_string(limits_.ratio_max) + " times its bytes");
    }
    return {};
  }
  /// What has come out, also before something went wrong.
  std::string text() && { return std::move(text_); }
  bool empty() const { return text_.empty(); }

 private:
  std::array<char, kPieceBytes> piece_;
  std::string text_;
  std::size_t bytes_in_;
  const CodingLimits& limits_;
};

/// window_bits as zlib takes it: what frame is expected.
Result<void> inflate_all(std::string_view coding, std::string_view bytes, int window_bits, Output& output) {
  z_stream stream{};
  if (inflateInit2(&stream, window_bits) != Z_OK) return fail(Code::internal, "zlib cannot be set up");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  // zlib does not write there; its type is older than const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  for (;;) {
    const std::span<char> room = output.room();
    stream.next_out = reinterpret_cast<Bytef*>(room.data());
    stream.avail_out = static_cast<uInt>(room.size());
    const int state = inflate(&stream, Z_NO_FLUSH);
    const std::size_t at = bytes.size() - stream.avail_in;
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
      return broken(coding, stream.msg == nullptr ? "something is wrong" : stream.msg, at);
    const std::size_t made = room.size() - stream.avail_out;
    XD_DO(output.take(made));
    if (state == Z_STREAM_END) {
      if (stream.avail_in == 0) return {};
      // Members of a gzip stand one behind the other.
      if (coding != "gzip" || inflateReset(&stream) != Z_OK)
        return broken(coding, "something stands behind its end", at);
    } else if (stream.avail_in == 0 && made == 0) {
      return broken(coding, "it is cut off", at);
    }
  }
}

Result<void> inflate_either(std::string_view bytes, Output& output) {
  auto framed = inflate_all("deflate", bytes, MAX_WBITS, output);
  if (framed || framed.error().code != Code::invalid || !output.empty()) return framed;
  auto bare = inflate_all("deflate", bytes, -MAX_WBITS, output);
  return bare || bare.error().code == Code::too_large ? std::move(bare) : std::move(framed);
}

Result<void> unbrotli(std::string_view bytes, Output& output) {
  const std::unique_ptr<BrotliDecoderState, void (*)(BrotliDecoderState*)> state(
      BrotliDecoderCreateInstance(nullptr, nullptr, nullptr), BrotliDecoderDestroyInstance);
  if (!state) return fail(Code::internal, "brotli cannot be set up");
  const auto* in = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t left = bytes.size();
  for (;;) {
    const std::span<char> room = output.room();
    auto* out = reinterpret_cast<std::uint8_t*>(room.data());
    std::size_t free = room.size();
    const auto result = BrotliDecoderDecompressStream(state.get(), &left, &in, &free, &out, nullptr);
    XD_DO(output.take(room.size() - free));
    const std::size_t at = bytes.size() - left;
    if (result == BROTLI_DECODER_RESULT_ERROR)
      return broken("br", BrotliDecoderErrorString(BrotliDecoderGetErrorCode(state.get())), at);
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT) return broken("br", "it is cut off", at);
    if (result == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT) continue;
    if (left > 0) return broken("br", "something stands behind its end", at);
    return {};
  }
}

Result<void> unzstd(std::string_view bytes, Output& output) {
  const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                             ZSTD_freeDStream);
  if (!stream || ZSTD_isError(ZSTD_DCtx_setParameter(stream.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax)))
    return fail(Code::internal, "zstd cannot be set up");
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  for (;;) {
    const std::span<char> room = output.room();
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    const std::size_t before = in.pos;
    const std::size_t wants = ZSTD_decompressStream(stream.get(), &out, &in);
    if (ZSTD_isError(wants)) return broken("zstd", ZSTD_getErrorName(wants), in.pos);
    XD_DO(output.take(out.pos));
    // Frames stand one behind the other; 0 is the end of one.
    if (in.pos == in.size && wants == 0) return {};
    if (in.pos == in.size && out.pos < out.size && before == in.pos && out.pos == 0)
      return broken("zstd", "it is cut off", in.pos);
  }
}

Result<void> decode_one(std::string_view coding, std::string_view bytes, Output& output) {
  if (coding == "gzip" || coding == "x-gzip") return inflate_all("gzip", bytes, MAX_WBITS + 16, output);
  if (coding == "deflate") return inflate_either(bytes, output);
  if (coding == "br") return unbrotli(bytes, output);
  if (coding == "zstd") return unzstd(bytes, output);
  return fail(Code::invalid, "the content coding '" + std::string(coding.substr(0, 40)) +
                                 "' is not known: send gzip, deflate, br, zstd, or none");
}

/// In lower case, without identity.
std::vector<std::string> names_of(std::string_view codings) {
  std::vector<std::string> names;
  while (!codings.empty()) {
    const std::size_t end = std::min(codings.find(','), codings.size());
    std::string name = base::lower_ascii(base::trimmed(codings.substr(0, end)));
    codings.remove_prefix(std::min(end + 1, codings.size()));
    if (!name.empty() && name != "identity") names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

base::Result<std::string> decode_content(std::string_view codings, std::string_view bytes,
                                         CodingLimits limits) {
  const std::vector<std::string> names = names_of(codings);
  if (names.size() > limits.codings_max) {
    return fail(Code::invalid, "the body has " + std::to_string(names.size()) +
                                   " content codings, one over another; send at most " +
                                   std::to_string(limits.codings_max));
  }
  std::string decoded(bytes);
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    Output output(decoded.size(), limits);
    XD_DO(decode_one(*name, decoded, output));
    decoded = std::move(output).text();
  }
  return decoded;
}

std::optional<DecodedBeginning> decode_beginning(std::string_view codings, std::string_view bytes,
                                                 std::size_t bytes_max) {
  // The one limit is enough: what comes out is no longer than that, whatever it is made of.
  const CodingLimits limits{.bytes_max = bytes_max, .ratio_max = std::numeric_limits<std::size_t>::max()};
  const std::vector<std::string> names = names_of(codings);
  if (names.size() > limits.codings_max) return std::nullopt;
  DecodedBeginning beginning{std::string(bytes)};
  for (auto name = names.rbegin(); name != names.rend(); ++name) {
    Output output(beginning.text.size(), limits);
    const auto decoded = decode_one(*name, beginning.text, output);
    if (!decoded && output.empty()) return std::nullopt;
    beginning.whole = beginning.whole && decoded.has_value();
    beginning.text = std::move(output).text();
    beginning.text.resize(std::min(beginning.text.size(), bytes_max));
  }
  return beginning;
}

}  // namespace format
