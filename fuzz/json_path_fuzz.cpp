// Any first line as a place and any bytes as a body: what is found there is a part of the body, the same for
// all who look, and every value that a path can name is found by it.
#include <string>

#include "base/assert.hpp"
#include "crypto/location.hpp"
#include "format/json.hpp"
#include "http/message.hpp"
#include "inbound/receive/message.hpp"

namespace {

using crypto::Location;

/// Whether a path can say this member: its dots part steps, and a step at the end is not empty.
bool can_be_named(std::string_view key) { return !key.empty() && !key.contains('.') && key != "$"; }

/// Looks for each value by the path that leads to it; a thousand of them are enough for one body.
void find_each(const format::Value& root, const format::Value& value, const std::string& path,
               std::size_t& left) {
  if (left == 0) return;
  --left;
  XD_ASSERT(inbound::value_at(root, path) == &value);
  XD_ASSERT(path.empty() || inbound::value_at(root, "$." + path) == &value);
  const std::string begin = path.empty() ? "" : path + ".";
  std::size_t index = 0;
  for (const format::Value& element : value.elements()) {
    find_each(root, element, begin + std::to_string(index++), left);
  }
  for (const auto& [key, member] : value.members()) {
    if (can_be_named(key)) find_each(root, member, begin + std::string(key), left);
  }
}

/// What stands at a place of the body is a piece of it, which read alone is the same.
void check_value(const format::Value& value, std::string_view body) {
  XD_ASSERT(!value.raw().empty() && body.contains(value.raw()));
  const auto alone = format::parse_json(std::string(value.raw()));
  XD_ASSERT(alone && alone->root().kind() == value.kind() && alone->root().text() == value.text());
  const auto text = inbound::text_of(value);
  XD_ASSERT(text.has_value() == !value.is_null());
  if (text) XD_ASSERT(*text == (value.is_string() ? value.text() : value.raw()));
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view place = text.substr(0, end);
  http::Request request;
  request.method = "POST";
  request.set_target("/webhooks/acme/in?a=1&b=%32");
  request.headers.emplace_back("x-id", "i1");
  request.headers.emplace_back("X-ID", "i2");
  request.body = end < text.size() ? text.substr(end + 1) : std::string_view{};
  const inbound::Message message(request, "https://hub.example.com/webhooks/acme/in?a=1&b=%32");

  const format::Value* root = message.json();
  XD_ASSERT((root != nullptr) == format::parse_json(request.body).has_value());
  std::size_t left = 1000;
  if (root != nullptr) find_each(*root, *root, "", left);

  const auto location = Location::parse(place);
  if (!location) {
    XD_ASSERT(!location.error().message.empty());
    return 0;
  }
  XD_ASSERT(to_string(*location) == place && !location->name.empty());
  const auto found = message.find(*location);
  XD_ASSERT(found.size() <= 2);  // of a family of headers
  if (location->in != Location::In::json) return 0;
  const format::Value* value = root == nullptr ? nullptr : inbound::value_at(*root, location->name);
  XD_ASSERT(found.empty() == (value == nullptr || value->is_null()));
  if (value != nullptr) check_value(*value, request.body);
  if (!found.empty()) XD_ASSERT(found.front() == inbound::text_of(*value));
  XD_ASSERT(message.find_in_json(request.body, location->name) == found);
  return 0;
}
