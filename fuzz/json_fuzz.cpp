// Any bytes: the reader accepts or refuses them as RapidJSON does, its raw bytes and what the writer makes of
// the tree read back the same.
#include "format/json.hpp"

// It adds an offset to a null pointer whenever its stack is empty, which is not what is looked for here.
#pragma clang attribute push(__attribute__((no_sanitize("pointer-overflow"))), apply_to = function)
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
#pragma clang attribute pop

#include <algorithm>
#include <string>
#include <vector>

#include "base/assert.hpp"

namespace {

/// Every key, string and number, in the order of the document.
using Texts = std::vector<std::string>;

void collect(const format::Value& value, Texts& texts) {
  if (value.is_string() || value.is_number()) texts.emplace_back(value.text());
  for (const format::Value& element : value.elements()) collect(element, texts);
  for (const auto& [key, member] : value.members()) {
    texts.emplace_back(key);
    collect(member, texts);
  }
}

/// Writes the tree piece by piece, so without its raw bytes.
void rewrite(const format::Value& value, format::JsonWriter& json) {
  using Kind = format::Value::Kind;
  switch (value.kind()) {
    case Kind::null: json.null(); break;
    case Kind::boolean: json.value(value.boolean()); break;
    case Kind::number: json.raw(value.text()); break;
    case Kind::string: json.value(value.text()); break;
    case Kind::array:
      json.begin_array();
      for (const format::Value& element : value.elements()) rewrite(element, json);
      json.end_array();
      break;
    case Kind::object:
      json.begin_object();
      for (const auto& [key, member] : value.members()) {
        json.key(key);
        rewrite(member, json);
      }
      json.end_object();
      break;
  }
}

std::string rewritten(const format::Value& value) {
  std::string out;
  format::JsonWriter json(out);
  rewrite(value, json);
  return out;
}

/// What RapidJSON hears of a text.
struct Listener : rapidjson::BaseReaderHandler<rapidjson::UTF8<>, Listener> {
  bool String(const char* text, rapidjson::SizeType size, bool) {
    texts.emplace_back(text, size);
    return true;
  }
  bool RawNumber(const char* text, rapidjson::SizeType size, bool) { return String(text, size, false); }
  bool Key(const char* text, rapidjson::SizeType size, bool) { return String(text, size, false); }
  bool StartObject() { return enter(); }
  bool StartArray() { return enter(); }
  bool EndObject(rapidjson::SizeType) { return leave(); }
  bool EndArray(rapidjson::SizeType) { return leave(); }
  bool enter() {
    deepest = std::max(deepest, ++depth);
    return true;
  }
  bool leave() {
    --depth;
    return true;
  }

  Texts texts;
  std::size_t depth = 0;
  std::size_t deepest = 0;
};

bool holds_surrogate(const std::string& text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xED' && static_cast<unsigned char>(text[i + 1]) >= 0xA0) return true;
  }
  return false;
}

void check_against_rapidjson(const std::string& text, const base::Result<format::Document>& ours) {
  constexpr unsigned kFlags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag |
                              rapidjson::kParseValidateEncodingFlag;
  rapidjson::MemoryStream stream(text.data(), text.size());
  rapidjson::Reader reader;
  Listener theirs;
  const rapidjson::ParseResult result = reader.Parse<kFlags>(stream, theirs);
  if (ours) {
    // Numbers beyond a double are text here and an error there.
    if (result.Code() == rapidjson::kParseErrorNumberTooBig) return;
    XD_ASSERT(!result.IsError());
    Texts texts;
    collect(ours->root(), texts);
    XD_ASSERT(texts == theirs.texts);
  } else if (!result.IsError()) {
    // It takes a NUL for the end of the text and a lone low surrogate for a character; keys and limits are
    // ours.
    const bool excused =
        text.find('\0') != std::string::npos || std::ranges::any_of(theirs.texts, holds_surrogate) ||
        theirs.deepest > base::limits::kJsonDepthMax || ours.error().reason == "TOO_MANY_MEMBERS" ||
        ours.error().message.ends_with("stands twice in one object; keep one of them");
    XD_ASSERT(excused);
  }
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto document = format::parse_json(text);
  check_against_rapidjson(text, document);
  if (!document) {
    XD_ASSERT(!document.error().message.empty() && document.error().message.size() < 256);
    return 0;
  }
  const format::Value& root = document->root();
  const std::string spelled = rewritten(root);

  const auto from_raw = format::parse_json(std::string(root.raw()));
  XD_ASSERT(from_raw && from_raw->root().raw() == root.raw() && rewritten(from_raw->root()) == spelled);
  const auto from_rewritten = format::parse_json(spelled);
  XD_ASSERT(from_rewritten && from_rewritten->root().raw() == spelled &&
            rewritten(from_rewritten->root()) == spelled);
  return 0;
}
