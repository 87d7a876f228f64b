#include "inbound/receive/message.hpp"

#include <charconv>

#include "format/form.hpp"

namespace inbound {

namespace {

using base::Code;
using base::fail;
using crypto::Location;

std::vector<std::string> headers_named(const http::Request& request, std::string_view name) {
  std::vector<std::string> found;
  if (name.ends_with('*')) {
    const std::string_view family = name.substr(0, name.size() - 1);
    for (const auto& [header, value] : request.headers) {
      if (header.size() >= family.size() &&
          http::equals_ignoring_case(header.substr(0, family.size()), family)) {
        found.emplace_back(value);
      }
    }
    return found;
  }
  for (const auto& [header, value] : request.headers) {
    if (!http::equals_ignoring_case(header, name)) continue;
    if (found.empty()) {
      found.emplace_back(value);
    } else {
      found.front().append(",").append(value);
    }
  }
  return found;
}

std::vector<std::string> first_named(const crypto::RequestView::Fields& fields, std::string_view name) {
  for (const auto& [field, value] : fields) {
    if (field == name) return {value};
  }
  return {};
}

/// Counts them; nothing where that was too much.
std::vector<std::string> counted(std::vector<std::string> values, crypto::Work& work) {
  for (const std::string& value : values) work.take(value.size());
  return work.has_problem() ? std::vector<std::string>{} : std::move(values);
}

std::vector<std::string> text_at(const format::Value* root, std::string_view path) {
  const format::Value* value = root == nullptr ? nullptr : value_at(*root, path);
  auto text = value == nullptr ? std::nullopt : text_of(*value);
  if (!text) return {};
  return {std::move(*text)};
}

}  // namespace

const format::Value* value_at(const format::Value& root, std::string_view path) {
  const format::Value* value = &root;
  if (path == "$") return value;
  if (path.starts_with("$.")) path.remove_prefix(2);
  while (!path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    const std::string_view step = path.substr(0, dot);
    path.remove_prefix(std::min(dot + 1, path.size()));
    if (value->is_array()) {
      std::size_t index = 0;
      const auto [stop, error] = std::from_chars(step.data(), step.data() + step.size(), index);
      if (error != std::errc{} || stop != step.data() + step.size() || index >= value->elements().size()) {
        return nullptr;
      }
      value = &value->elements()[index];
    } else {
      value = value->is_object() ? value->find(step) : nullptr;
      if (value == nullptr) return nullptr;
    }
  }
  return value;
}

std::optional<std::string> text_of(const format::Value& value) {
  if (value.is_null()) return std::nullopt;
  if (value.is_string()) return std::string(value.text());
  return std::string(value.raw());
}

const format::Value* Message::json() const {
  if (!json_) json_ = format::parse_loose_json(request_.body);
  return *json_ ? &(*json_)->root() : nullptr;
}

const base::Error& Message::json_error() const { return json_->error(); }

const base::Result<std::vector<format::Part>>& Message::parts() const {
  if (!parts_) parts_ = format::parse_multipart(request_.body, type().parameter("boundary"));
  return *parts_;
}

const format::Xml* Message::xml() const {
  if (!xml_) xml_ = format::Xml::parse(request_.body);
  return *xml_ ? &**xml_ : nullptr;
}

std::vector<std::string> Message::find(const Location& location) const {
  if (work_.has_problem()) return {};
  if (location.in == Location::In::header || location.in == Location::In::json)
    return counted(look_for(location), work_);
  // To look for one of these is to look through all of them.
  std::string name = to_string(location);
  auto known = found_.find(name);
  if (known == found_.end()) known = found_.emplace(std::move(name), look_for(location)).first;
  return counted(known->second, work_);
}

std::vector<std::string> Message::look_for(const Location& location) const {
  switch (location.in) {
    case Location::In::header: return headers_named(request_, location.name);
    case Location::In::json: return text_at(json(), location.name);
    case Location::In::query: return first_named(http::parse_query(request_.query), location.name);
    case Location::In::form: return first_named(form(), location.name);
    case Location::In::xml: return in_xml(location.name);
    case Location::In::item:
    case Location::In::jwt:
    case Location::In::jwt_head:
    case Location::In::constant: break;
  }
  return {};
}

std::vector<std::string> Message::in_xml(std::string_view path) const {
  const format::Xml* document = xml();
  if (document == nullptr) return {};
  const auto texts = document->texts(path, kBatchElementsMax);
  if (texts.empty()) return {};
  std::string joined = texts.front();
  for (std::size_t i = 1; i < texts.size(); ++i) joined.append(",").append(texts[i]);
  return {std::move(joined)};
}

const crypto::RequestView::Fields& Message::form() const {
  if (!form_) form_ = read_form();
  return *form_;
}

crypto::RequestView::Fields Message::read_form() const {
  Fields fields;
  if (is_multipart()) {
    if (!parts()) return fields;
    for (const format::Part& part : *parts()) fields.emplace_back(part.name, part.content);
    return fields;
  }
  auto members = format::parse_form(request_.body);
  if (!members) {
    work_.give_up(members.error().message);
    return fields;
  }
  for (format::FormField& member : *members)
    fields.emplace_back(std::move(member.name), std::move(member.value));
  return fields;
}

std::vector<std::string> Message::find_in_json(std::string_view json, std::string_view member) const {
  const auto document = format::parse_json(std::string(json));
  return document ? text_at(&document->root(), member) : std::vector<std::string>{};
}

std::vector<std::string> Element::find(const Location& location) const {
  if (location.in != Location::In::json) return whole_.find(location);
  return work().has_problem() ? std::vector<std::string>{} : counted(text_at(&value_, location.name), work());
}

base::Result<std::vector<Element>> elements_of(const crypto::Scheme& scheme, const Message& message) {
  const format::Value* root = message.json();
  const format::Value* list = root == nullptr ? nullptr : value_at(*root, scheme.each->name);
  if (list == nullptr || !list->is_array()) {
    return fail(Code::invalid, "the body has no list at " + to_string(*scheme.each));
  }
  if (list->elements().size() > kBatchElementsMax) {
    return fail(Code::too_large, "the batch has more than 1,000 elements");
  }
  std::vector<Element> elements;
  elements.reserve(list->elements().size());
  for (const format::Value& element : list->elements()) {
    const format::Value* value = scheme.item.empty() ? &element : value_at(element, scheme.item);
    if (value == nullptr) return fail(Code::invalid, "an element of the batch has no " + scheme.item);
    elements.emplace_back(message, *value);
  }
  return elements;
}

crypto::Check verify(const crypto::Scheme& scheme, std::span<const crypto::SchemeKey* const> keys,
                     const Message& message, base::Time now) {
  using Step = crypto::Check::Step;
  if (!scheme.signs_elements()) return check(scheme, keys, message, now);
  const auto elements = elements_of(scheme, message);
  if (!elements) return {.step = Step::signature_missing, .detail = elements.error().message};
  crypto::Check last{.step = Step::signature_missing, .detail = "the batch is empty"};
  for (const Element& element : *elements) {
    last = check(scheme, keys, element, now);
    if (!last.passed()) break;
  }
  return last;
}

}  // namespace inbound
