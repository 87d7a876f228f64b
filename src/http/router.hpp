// Finds the route of a request: routes are rows of data, a route is known by its position in the table.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace http {

/// One row: a method and a pattern such as "/api/v1/events/:id", where :id stands for one segment that is not
/// empty.
struct Route {
  std::string_view method;
  std::string_view pattern;
};

/// The values of a pattern's parameters, decoded, in its order.
using PathParams = std::vector<std::pair<std::string_view, std::string>>;

class Router {
 public:
  /// The rows outlive the router. Two rows of the same method and shape are a bug.
  explicit Router(std::span<const Route> routes);
  ~Router();
  Router(Router&&) noexcept;

  enum class Found : unsigned char { route, no_such_path, no_such_method };
  struct Match {
    Found found = Found::no_such_path;
    std::size_t route = 0;  ///< position in the table
    PathParams params{};
    /// The methods that the path has, for no_such_method; with HEAD where it has GET, and OPTIONS, which
    /// whoever has the router answers.
    std::string allow{};
  };
  /// path is as received. A literal segment wins over a parameter; HEAD is answered by the row of GET.
  Match match(std::string_view method, std::string_view path) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace http
