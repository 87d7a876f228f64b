#include "inbound/scheme/preset.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "format/json.hpp"

namespace inbound {

namespace {

constexpr std::string_view kEnding = ".json";

std::string_view name_of(const base::EmbeddedFile& file) {
  return file.name.substr(0, file.name.size() - kEnding.size());
}

std::string text_member(const format::Value& object, std::string_view key) {
  const format::Value* value = object.find(key);
  return value == nullptr ? "" : std::string(value->text());
}

Preset read_preset(const base::EmbeddedFile& file) {
  const auto document = format::parse_json(std::string(file.content));
  XD_ASSERT(document.has_value());
  const format::Value& root = document->root();
  Preset preset{.name = std::string(name_of(file)),
                .title = text_member(root, "title"),
                .secret = text_member(root, "secret"),
                .note = text_member(root, "note")};
  if (const format::Value* config = root.find("config")) {
    for (const format::Value& name : config->elements()) preset.config.emplace_back(name.text());
  }
  return preset;
}

}  // namespace

const std::vector<Preset>& presets() {
  static const std::vector<Preset> all = [] {
    std::vector<Preset> made;
    for (const base::EmbeddedFile& file : embedded_schemes()) made.push_back(read_preset(file));
    std::ranges::sort(made, {}, &Preset::name);
    return made;
  }();
  return all;
}

std::string_view preset_document(std::string_view name) {
  const auto files = embedded_schemes();
  const auto found = std::ranges::find(files, name, name_of);
  return found == files.end() ? std::string_view{} : found->content;
}

base::Result<crypto::Scheme> preset_scheme(std::string_view name, const SchemeConfig& config) {
  const std::string_view text = preset_document(name);
  if (text.empty()) {
    return base::fail(base::Code::not_found, "there is no signature scheme '" +
                                                 std::string(name.substr(0, 40)) +
                                                 "'; `crossdock signature list` shows those there are");
  }
  XD_TRY(const format::Document document, format::parse_json(std::string(text)));
  return read_scheme(document.root(), config);
}

}  // namespace inbound
