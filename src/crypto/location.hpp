// Where in a request a value stands, and a request as signature schemes see it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "crypto/work.hpp"

namespace crypto {

/// "header:x-signature", "json:event.id", "item:t=": a place, by its kind and its name.
struct Location {
  enum class In : std::uint8_t {
    header,    ///< in any case; of several with one name, their values joined by ",". "x-sig-*": a family
    query,     ///< a parameter of the URL, decoded
    json,      ///< members and indices from the root: "a.b.0.c"; "$": the root
    form,      ///< a field of a form body, decoded
    xml,       ///< the elements at a path of an XML body: "a/b" from the root, "//b" anywhere; "," between
    item,      ///< another item of the list that the signature stands in: the one that begins with the name
    jwt,       ///< a claim of the token that the signature is
    jwt_head,  ///< a member of its header
    constant   ///< the name itself
  };

  In in = In::header;
  std::string name{};

  /// Error: invalid, saying what there is.
  static base::Result<Location> parse(std::string_view text);
  bool operator==(const Location&) const = default;
};

/// "header:x-signature".
std::string to_string(const Location& location);

/// One request that is to be verified or signed; or one element of it, where its body is a batch. Gives what
/// formats are needed for, which this room has not.
class RequestView {
 public:
  using Fields = std::vector<std::pair<std::string, std::string>>;

  virtual ~RequestView() = default;

  virtual std::string_view method() const = 0;
  /// The whole URL that was given out for it, with the query as it came: never one that a proxy made of it.
  virtual std::string_view url() const = 0;
  virtual std::string_view path() const = 0;
  virtual std::string_view query() const = 0;
  /// The bytes as they came, of the whole request also for an element.
  virtual std::string_view body() const = 0;

  /// The values at a place, in their order; several for a family of headers only. What is no string is its
  /// JSON text as it came; null is none. Not asked for item, jwt and constant.
  virtual std::vector<std::string> find(const Location& location) const = 0;
  /// The fields of a form body in their order, decoded; none, and a problem of work(), where they are too
  /// many. Lives as long as the view.
  virtual const Fields& form() const = 0;
  /// A member of the JSON object, as text; nothing where there is none.
  virtual std::vector<std::string> find_in_json(std::string_view json, std::string_view member) const = 0;
  /// One for the request and all its elements. Once it has a problem, nothing is found.
  virtual Work& work() const = 0;
};

}  // namespace crypto
