#include "format/form.hpp"

#include <map>

#include "format/json.hpp"

namespace format {

namespace {

constexpr std::string_view kOpen = "%5B";
constexpr std::string_view kClose = "%5D";

bool stands_for_itself(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '*' || c == '-' ||
         c == '.' || c == '_';
}

/// Depth is bounded by what the tree was read with.
class FormWriter {
 public:
  explicit FormWriter(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  /// False when there is too much.
  bool write(const Value& value) {
    switch (value.kind()) {
      case Value::Kind::object:
        for (const Member& member : value.members()) {
          if (!write_inner(member.key, member.value)) return false;
        }
        return true;
      case Value::Kind::array: {
        std::size_t index = 0;
        for (const Value& element : value.elements()) {
          if (!write_inner(std::to_string(index++), element)) return false;
        }
        return true;
      }
      case Value::Kind::null: return write_pair("");
      case Value::Kind::boolean: return write_pair(value.boolean() ? "true" : "false");
      case Value::Kind::number:
      case Value::Kind::string: return write_pair(value.text());
    }
    return true;
  }

  bool write_inner(std::string_view name, const Value& value) {
    const std::size_t before = name_.size();
    if (before > 0) name_ += kOpen;
    append_form_encoded(name_, name);
    if (before > 0) name_ += kClose;
    const bool written = name_.size() <= bytes_max_ && write(value);
    name_.resize(before);
    return written;
  }

  std::string take() { return std::move(out_); }

 private:
  bool write_pair(std::string_view value) {
    if (name_.size() + value.size() > bytes_max_ - std::min(bytes_max_, out_.size())) return false;
    if (!out_.empty()) out_ += '&';
    out_ += name_;
    out_ += '=';
    append_form_encoded(out_, value);
    return out_.size() <= bytes_max_;
  }

  const std::size_t bytes_max_;
  std::string name_;  // encoded, of the value that is being written
  std::string out_;
};

}  // namespace

void append_form_encoded(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    if (stands_for_itself(c)) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      out += '%';
      out += kHex[static_cast<unsigned char>(c) >> 4];
      out += kHex[static_cast<unsigned char>(c) & 15];
    }
  }
}

namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

std::string form_decoded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape = text[i] == '%' && i + 2 < text.size();
    const int high = escape ? hex_digit(text[i + 1]) : -1;
    const int low = escape ? hex_digit(text[i + 2]) : -1;
    if (high >= 0 && low >= 0 && high + low > 0) {
      out += static_cast<char>(static_cast<unsigned char>(high << 4 | low));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

base::Result<std::vector<FormField>> parse_form(std::string_view text) {
  std::vector<FormField> fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty()) continue;
    if (fields.size() == kFormMembersMax)
      return base::fail(base::Code::too_large, "the form has more than 10,000 members");
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    fields.push_back({form_decoded(name), form_decoded(value), name, value});
  }
  return fields;
}

std::string object_json(const NamedJson& members) {
  std::map<std::string_view, std::vector<std::string_view>> by_name;
  for (const auto& [name, value] : members) by_name[name].push_back(value);
  std::string text;
  JsonWriter json(text);
  json.begin_object();
  for (const auto& [name, first] : members) {
    std::vector<std::string_view>& values = by_name[name];
    if (values.empty()) continue;  // written with the first one
    json.key(name);
    if (values.size() > 1) json.begin_array();
    for (const std::string_view value : values) json.raw(value);
    if (values.size() > 1) json.end_array();
    values.clear();
  }
  json.end_object();
  return text;
}

base::Result<std::string> to_form(const Value& root, std::string_view root_name, std::size_t bytes_max) {
  FormWriter writer(bytes_max);
  const bool written = root.is_object() ? writer.write(root) : writer.write_inner(root_name, root);
  if (written) return writer.take();
  return base::fail(base::Code::too_large,
                    "as a form this is longer than " + std::to_string(bytes_max) + " bytes; send it as JSON");
}

}  // namespace format
