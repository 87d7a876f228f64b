// What a received event is about: its type, its table, its record, as its endpoint's paths say.
#pragma once

#include "inbound/endpoint/book.hpp"
#include "inbound/receive/received.hpp"

namespace inbound {

struct Extracted {
  std::string source{};
  std::string event_type{};
  std::string table{};
  std::string record_id{};
  std::string record{};      ///< JSON; the whole body where no path says more; of a deletion old_record
  std::string old_record{};  ///< JSON; empty for none
  /// {"field": {"old": …, "new": …}} of both, without "old" or "new" where the field was or is not there;
  /// empty where one of the two is missing, or has over 500 members.
  std::string changes{};

  /// "orders/42"; empty where one of them is missing.
  std::string subject() const;
};
/// Error: invalid, saying which part cannot be found: what a path names must be there, but for the state
/// before.
base::Result<Extracted> extract(const PreparedEndpoint& endpoint, const ReceivedEvent& event);

/// Whether a text fits a pattern: the same, a beginning with '*', or '*'; an empty one fits anything.
bool fits(std::string_view pattern, std::string_view text);

/// What is to be done with it.
struct Decision {
  bool ignore = false;
  std::string type{};                        ///< of the event to publish
  std::optional<base::Uuid> subscription{};  ///< for this one alone
};
/// The first route that fits, or one that publishes "<source>.<table>.<event_type>". Types that are
/// not among those to process are ignored.
Decision decide(const Rules& rules, const Extracted& extracted);

}  // namespace inbound
