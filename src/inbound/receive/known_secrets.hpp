// The secrets of an endpoint, to be found wherever they stand in what a sender sends.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inbound/endpoint/book.hpp"

namespace inbound {

/// Each as it is, in base64 of either alphabet at any place of what is encoded ("user:" before it), and as
/// JSON writes it; of user:password the password as well. Those of less than 8 bytes are not looked for: they
/// may be words. Nor are public keys. Immutable.
class KnownSecrets {
 public:
  explicit KnownSecrets(const PreparedEndpoint& endpoint);

  /// Whether one stands in a text, also where that is percent-encoded or has JSON's escapes.
  bool stand_in(std::string_view text) const;
  /// The text with *** for each of them. Of one that is escaped the whole member of a form, or string of
  /// JSON, is hidden; where it is in neither, the whole text.
  std::string without(std::string_view text) const;

 private:
  void add(std::string_view secret);
  bool stand_plainly_in(std::string_view text) const;
  std::string without_plain(std::string_view text) const;
  std::string without_strings(std::string_view json) const;
  std::string without_members(std::string_view form) const;

  std::vector<std::string> forms_{};  // the longest first
};

/// What the backslashes of JSON stand for, as far as it is ASCII.
std::string without_escapes(std::string_view text);

}  // namespace inbound
