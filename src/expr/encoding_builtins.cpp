// Built-in functions between a text and its spelling in URLs and base64 (JSONata, "String functions").
#include <string>

#include "expr/builtin.hpp"
#include "expr/code_points.hpp"
#include "expr/text_builder.hpp"

namespace expr {

namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// What stands for itself beside letters and digits (ECMA-262, encodeURIComponent and encodeURI).
constexpr std::string_view kMarks = "-_.!~*'()";
constexpr std::string_view kReserved = ";/?:@&=+$,#";

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

Item malformed(Evaluation& run, Item text, std::string_view function) {
  return run.fail(Code::D3140, text, function);
}

Item encode(Evaluation& run, Item text, std::string_view function, std::string_view kept) {
  if (!text.is_string()) return {};
  if (!format::is_utf8(text.text())) return malformed(run, text, function);
  TextBuilder out(run, text.text().size() + 16);
  for (const char c : text.text()) {
    if (is_letter_or_digit(c) || kMarks.contains(c) || kept.contains(c)) {
      out.append(c);
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      out.append('%').append(kHex[byte >> 4]).append(kHex[byte & 15]);
    }
  }
  return run.failed() ? Item::failure() : Item::of(out.text());
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// kept: characters that stay as they are written, because they would mean something else in a whole URL.
Item decode(Evaluation& run, Item text, std::string_view function, std::string_view kept) {
  if (!text.is_string()) return {};
  const std::string_view from = text.text();
  TextBuilder out(run, from.size() + 1);
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != '%') {
      out.append(from[i]);
      continue;
    }
    const int high = i + 2 < from.size() ? hex_digit(from[i + 1]) : -1;
    const int low = i + 2 < from.size() ? hex_digit(from[i + 2]) : -1;
    if (high < 0 || low < 0) return malformed(run, text, function);
    const char byte = static_cast<char>(high << 4 | low);
    if (kept.contains(byte)) {
      out.append(from.substr(i, 3));
    } else {
      out.append(byte);
    }
    i += 2;
  }
  if (run.failed()) return Item::failure();
  return format::is_utf8(out.text()) ? Item::of(out.text()) : malformed(run, text, function);
}

Item encode_component(Evaluation& run, const Arguments& arguments) {
  return encode(run, arguments[0], "encodeUrlComponent", "");
}
Item encode_url(Evaluation& run, const Arguments& arguments) {
  return encode(run, arguments[0], "encodeUrl", kReserved);
}
Item decode_component(Evaluation& run, const Arguments& arguments) {
  return decode(run, arguments[0], "decodeUrlComponent", "");
}
Item decode_url(Evaluation& run, const Arguments& arguments) {
  return decode(run, arguments[0], "decodeUrl", kReserved);
}

/// The bytes are those of Latin-1, as in the reference; a text beyond it has none and is refused.
Item base64_encode(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  std::string_view text = arguments[0].text();
  TextBuilder out(run, text.size() / 3 * 4 + 4);
  while (!text.empty()) {
    std::uint32_t block = 0;
    int count = 0;
    for (; count < 3 && !text.empty(); ++count) {
      const std::uint32_t code_point = code_point_at(text);
      if (code_point > 0xFF) return malformed(run, arguments[0], "base64encode");
      block |= code_point << (16 - 8 * count);
      text.remove_prefix(character_bytes(text));
    }
    for (int i = 0; i < 4; ++i) out.append(i <= count ? kBase64[block >> (18 - 6 * i) & 63] : '=');
  }
  return run.failed() ? Item::failure() : Item::of(out.text());
}

/// What is no base64 is passed over, as Node's Buffer does; so is base64url understood.
Item base64_decode(Evaluation& run, const Arguments& arguments) {
  if (!arguments[0].is_string()) return {};
  TextBuilder out(run, arguments[0].text().size() + 1);
  std::uint32_t block = 0;
  int bits = 0;
  for (const char c : arguments[0].text()) {
    if (c == '=') break;
    const std::size_t digit = kBase64.find(c == '-' ? '+' : c == '_' ? '/' : c);
    if (digit == std::string_view::npos) continue;
    block = block << 6 | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.append_code_point(block >> bits & 0xFF);
    }
  }
  return run.failed() ? Item::failure() : Item::of(out.text());
}

constexpr Builtin kBuiltins[] = {
    {"base64encode", "<s-:s>", 1, base64_encode},          {"base64decode", "<s-:s>", 1, base64_decode},
    {"encodeUrlComponent", "<s-:s>", 1, encode_component}, {"encodeUrl", "<s-:s>", 1, encode_url},
    {"decodeUrlComponent", "<s-:s>", 1, decode_component}, {"decodeUrl", "<s-:s>", 1, decode_url},
};

}  // namespace

std::span<const Builtin> encoding_builtins() { return kBuiltins; }

}  // namespace expr
