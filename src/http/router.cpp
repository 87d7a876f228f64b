#include "http/router.hpp"

#include <set>

#include "base/assert.hpp"
#include "http/message.hpp"

namespace http {

namespace {

/// Takes the next segment from the front of a path: "/a/b" gives "a" and leaves "/b".
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  const std::string_view segment = path.substr(0, end);
  path.remove_prefix(end);
  return segment;
}

}  // namespace

struct Router::Node {
  struct Row {
    std::size_t route;
    std::vector<std::string_view> names;  // of the parameters, in order
  };
  std::map<std::string_view, std::unique_ptr<Node>> literals;
  std::unique_ptr<Node> parameter;
  std::map<std::string_view, Row> rows;  // by method

  /// The node that a path ends at. A literal that leads nowhere gives way to the parameter.
  const Node* find(std::string_view path, std::vector<std::string_view>& values) const {
    if (path.empty()) return rows.empty() ? nullptr : this;
    if (path.front() != '/') return nullptr;
    const std::string_view segment = take_segment(path);
    if (const auto literal = literals.find(segment); literal != literals.end()) {
      if (const Node* end = literal->second->find(path, values)) return end;
    }
    if (!parameter || segment.empty()) return nullptr;
    values.push_back(segment);
    if (const Node* end = parameter->find(path, values)) return end;
    values.pop_back();
    return nullptr;
  }
};

Router::Router(std::span<const Route> routes) : root_(std::make_unique<Node>()) {
  for (std::size_t i = 0; i < routes.size(); ++i) {
    Node* node = root_.get();
    std::vector<std::string_view> names;
    for (std::string_view rest = routes[i].pattern; !rest.empty();) {
      const std::string_view segment = take_segment(rest);
      std::unique_ptr<Node>& next = segment.starts_with(':') ? node->parameter : node->literals[segment];
      if (segment.starts_with(':')) names.push_back(segment.substr(1));
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
    XD_ASSERT(node->rows.emplace(routes[i].method, Node::Row{i, std::move(names)}).second);
  }
}

Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

Router::Match Router::match(std::string_view method, std::string_view path) const {
  std::vector<std::string_view> values;
  const Node* node = root_->find(path, values);
  if (node == nullptr) return {};
  auto row = node->rows.find(method);
  if (row == node->rows.end() && method == "HEAD") row = node->rows.find("GET");
  if (row == node->rows.end()) {
    Match match{Found::no_such_method};
    std::set<std::string_view> methods{"OPTIONS"};
    for (const auto& [allowed, unused] : node->rows) methods.insert(allowed);
    if (methods.contains("GET")) methods.insert("HEAD");
    for (const std::string_view method_there : methods) {
      match.allow.append(match.allow.empty() ? "" : ", ").append(method_there);
    }
    return match;
  }
  Match match{Found::route, row->second.route};
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string decoded;
    if (!percent_decode(values[i], Plus::literal, decoded)) return {};
    match.params.emplace_back(row->second.names[i], std::move(decoded));
  }
  return match;
}

}  // namespace http
