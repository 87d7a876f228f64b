// Any bytes as a Content-Type (the first line) and a body: the parts lie in the body, one behind the other.
#include "format/multipart.hpp"

#include "base/assert.hpp"
#include "format/form.hpp"
#include "format/json.hpp"
#include "format/media_type.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(text.find('\n'), text.size());
  const std::string_view body = text.substr(std::min(line + 1, text.size()));
  const auto type = format::MediaType::parse(text.substr(0, line));
  format::NamedJson members;
  if (const auto parts = format::parse_multipart(body, type.parameter("boundary"))) {
    const char* at = body.data();
    for (const format::Part& part : *parts) {
      if (!part.content.empty()) {
        XD_ASSERT(part.content.data() >= at &&
                  part.content.data() + part.content.size() <= body.data() + body.size());
        at = part.content.data() + part.content.size();
      }
      members.emplace_back(part.name, format::json_string(part.content));
    }
  }
  if (const auto fields = format::parse_form(body)) {
    for (const format::FormField& field : *fields) {
      XD_ASSERT(field.value.size() <= field.raw_value.size());
      members.emplace_back(field.name, format::json_string(field.value));
    }
  }
  const auto made = format::parse_json(format::object_json(members));
  // Names that are no UTF-8 are written alike.
  XD_ASSERT(made || made.error().message.contains("stands twice") ||
            made.error().reason == "TOO_MANY_MEMBERS");
  return 0;
}
