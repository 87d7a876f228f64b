#include <cstdio>
#include <fstream>
#include <iterator>

#include "cli/remote_commands.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;

/// A document that can be changed: members where it is an object, else its text.
struct Node {
  std::string raw{};
  std::vector<std::pair<std::string, Node>> members{};
  bool is_object = false;

  static Node of(const format::Value& value) {
    Node node{.raw = std::string(value.raw()), .is_object = value.is_object()};
    for (const format::Member& member : value.members()) {
      node.members.emplace_back(member.key, of(member.value));
    }
    return node;
  }

  Node& member(std::string_view name) {
    is_object = true;  // what it was otherwise is replaced
    for (auto& [key, node] : members) {
      if (key == name) return node;
    }
    return members.emplace_back(std::string(name), Node{}).second;
  }

  void write(format::JsonWriter& json) const {
    if (!is_object) {
      json.raw(raw);
      return;
    }
    json.begin_object();
    for (const auto& [key, node] : members) {
      json.key(key);
      node.write(json);
    }
    json.end_object();
  }
};

Result<std::string> read_data(const std::string& given) {
  if (given.empty()) return std::string("{}");
  if (!given.starts_with('@')) return given;
  std::ifstream in(given.substr(1), std::ios::binary);
  if (!in) return fail(Code::invalid, "cannot read " + given.substr(1));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<void> set(Node& root, const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string path = text.substr(0, equals);
  const bool shaped = equals != std::string::npos && !path.empty() && !path.starts_with('.') &&
                      !path.ends_with('.') && path.find("..") == std::string::npos;
  if (!shaped) return fail(Code::invalid, "--set is like order.total=19.90, not '" + text + "'");
  const std::string value = text.substr(equals + 1);
  Node* node = &root;
  for (std::string_view rest = path; !rest.empty();) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    node = &node->member(rest.substr(0, dot));
    rest.remove_prefix(std::min(dot + 1, rest.size()));
  }
  const auto document = format::parse_json(value);
  *node = document ? Node::of(document->root()) : Node{.raw = format::json_string(value)};
  return {};
}

}  // namespace

Result<std::string> make_data(const std::string& base, const std::vector<std::string>& sets) {
  XD_TRY(std::string text, read_data(base));
  auto document = format::parse_json(std::move(text));
  if (!document) return fail(Code::invalid, "--data is not JSON: " + document.error().message);
  Node root = Node::of(document->root());
  if (!sets.empty() && !root.is_object) {
    return fail(Code::invalid, "--set needs --data that is an object, or none");
  }
  for (const std::string& each : sets) XD_DO(set(root, each));
  std::string data;
  format::JsonWriter json(data);
  root.write(json);
  return data;
}

int trigger(const TriggerOptions& options) {
  const auto format = choose_format(options.format);
  auto remote = Remote::make(options.remote);
  const auto data = make_data(options.data, options.sets);
  if (!format) return report_usage(format.error());
  if (!remote) return report_usage(remote.error());
  if (!data) return report_usage(data.error());
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("type").value(options.type).key("data").raw(*data);
  if (!options.subject.empty()) json.key("subject").value(options.subject);
  json.end_object();
  const auto published = remote->call("POST", "/api/v1/events", body);
  if (!published) return report_remote(published.error());
  const format::Value& event = published->root();
  if (*format != OutputFormat::table) {
    std::printf("%s\n", std::string(event.raw()).c_str());
    return 0;
  }
  const format::Value* deliveries = event.find("deliveries");
  std::printf("%s  %s  %s deliveries\n", text_of(event, "id").c_str(), options.type.c_str(),
              deliveries != nullptr ? std::string(deliveries->text()).c_str() : "?");
  return 0;
}

}  // namespace cli
