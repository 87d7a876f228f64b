#include "cli/json_splice.hpp"

#include <algorithm>

namespace cli {

namespace {

using base::Code;
using base::fail;

/// A place in the document's text and what stands there from now on.
struct Splice {
  std::string_view old{};
  std::string text{};
};

base::Result<Splice> splice_of(const JsonMember& member) {
  const format::Value* at = &member.object;
  std::string_view rest = member.path;
  while (true) {
    if (!at->is_object())
      return fail(Code::invalid, "the body has no object to put " + member.path + " into");
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const format::Value* next = at->find(rest.substr(0, dot));
    if (next == nullptr) break;
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    if (rest.empty()) return Splice{next->raw(), member.text};
    at = next;
  }
  std::string text;
  std::size_t depth = 0;
  for (; !rest.empty(); ++depth) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    text.append(depth > 0 ? "{" : "").append(format::json_string(rest.substr(0, dot))).append(":");
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  text.append(member.text).append(depth - 1, '}').append(at->members().empty() ? "" : ",");
  return Splice{at->raw().substr(1, 0), std::move(text)};
}

}  // namespace

base::Result<std::string> set_members(const format::Value& root, const std::vector<JsonMember>& members) {
  std::vector<Splice> splices;
  for (const JsonMember& member : members) {
    XD_TRY(splices.emplace_back(), splice_of(member));
  }
  std::ranges::sort(splices, std::ranges::greater{}, [](const Splice& each) { return each.old.data(); });
  const std::string_view whole = root.raw();
  std::string text(whole);
  for (const Splice& each : splices) {
    text.replace(static_cast<std::size_t>(each.old.data() - whole.data()), each.old.size(), each.text);
  }
  return text;
}

}  // namespace cli
