#include "event/pattern.hpp"
#include "format/utf8.hpp"
#include "outbound/history/rows.hpp"
#include "outbound/history/search.hpp"
#include "queue/queue_store.hpp"

namespace outbound {

using base::Result;

namespace {

/// A piece of a search takes about this long: a search ends no later than that after its time is up.
constexpr auto kPieceTime = std::chrono::milliseconds{10};
constexpr std::size_t kPieceMin = 50;
constexpr std::size_t kPieceMax = 20'000;
constexpr double kGrowthMax = 8;
constexpr auto kInteractiveTime = std::chrono::milliseconds{50};
constexpr std::int64_t kSlowMs = 1000;  // as the index webhook_deliveries_slow has it
constexpr std::string_view kFinal[] = {"DELIVERED", "FAILED", "CANCELLED", "SKIPPED"};

/// Text and the parameters it uses.
struct Sql {
  std::string text{};
  std::vector<db::Arg> args{};

  Sql& also(std::string_view more) {
    text += more;
    return *this;
  }
  /// Adds text and, behind it, the parameter.
  Sql& also(std::string_view more, const db::Arg& arg) {
    args.push_back(arg);
    text.append(more).append("$").append(std::to_string(args.size()));
    return *this;
  }
};

/// One order of ids in which candidates are found: an index, or the rows that are too new for one.
struct Source {
  Sql ids{};              ///< "FROM … WHERE …" that gives the candidates' ids
  std::string id{};       ///< the column
  std::string join{};     ///< what brings their rows d to them; empty when they are d
  DeliveryQuery rest{};   ///< what they still must fulfil
  bool is_small = false;  ///< so few that they are looked at in one piece
};

void add_texts(Sql& sql, std::string_view column, const std::vector<std::string>& texts) {
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i == 0) sql.also(" AND ").also(column).also(" IN (", texts[i]);
    if (i > 0) sql.also(", ", texts[i]);
  }
  if (!texts.empty()) sql.also(")");
}

/// Everything but the order and the page. The query outlives the statement.
void add_conditions(Sql& sql, const DeliveryQuery& query) {
  sql.also(" AND d.tenant_id = ", query.tenant);
  if (query.subscription) sql.also(" AND d.subscription_id = ", *query.subscription);
  add_texts(sql, "d.status", query.statuses);
  if (query.event) sql.also(" AND d.event_id = ", *query.event);
  if (query.operation) sql.also(" AND d.operation_id = ", *query.operation);
  if (query.response_status) sql.also(" AND d.response_status = ", *query.response_status);
  if (query.response_class) {
    sql.also(" AND d.response_status >= ", *query.response_class * 100);
    sql.also(" AND d.response_status < ", *query.response_class * 100 + 100);
  }
  if (!query.error_class.empty()) sql.also(" AND d.error_class = ", query.error_class);
  if (!query.error_signature.empty()) sql.also(" AND d.error_signature = ", query.error_signature);
  if (query.response_time_ms_min) sql.also(" AND d.response_time_ms >= ", *query.response_time_ms_min);
  if (query.attempts_min) sql.also(" AND d.attempt_number >= ", *query.attempts_min);
  if (query.is_test) sql.also(" AND d.is_test = ", *query.is_test);
  const std::string_view type = query.event_type;
  if (type.empty() || type == "*") return;
  if (event::has_stem(type)) {
    const std::string_view stem = event::stem_of(type);
    sql.also(" AND substr(d.event_type, 1, CAST(CAST(", format::count_characters(stem))
        .also(" AS BIGINT) AS INTEGER)) = ", stem);
    sql.also(" AND d.event_type <> ", stem);
  } else {
    sql.also(" AND d.event_type = ", type);
  }
}

Sql rows_of(std::string_view column, const db::Arg& value) {
  Sql sql;
  return sql.also(" FROM webhook_deliveries d WHERE d.").also(column).also(" = ", value);
}

/// All deliveries of an owner (a tenant, a subscription, an event), or only its SKIPPED ones.
enum class OwnerList : std::uint8_t { all, skipped };

/// The sources of one search. What they are made from outlives them.
struct Sources {
  db::Engine engine{};
  std::int64_t indexed = 0;  ///< SQLite: the rows after this one are not in delivery_index yet
  std::vector<Source> all{};

  void add_owner(std::string_view column, const base::Uuid& owner, OwnerList list,
                 const DeliveryQuery& rest) {
    const std::string_view only = list == OwnerList::skipped ? " AND d.status = 'SKIPPED'" : "";
    if (engine == db::Engine::postgres) {
      all.push_back({.ids = rows_of(column, owner).also(only), .id = "d.id", .rest = rest});
      return;
    }
    Source source{.id = "i.id", .rest = rest};
    source.ids.also(" FROM delivery_index i WHERE i.owner_id = ", owner);
    source.ids.also(" AND i.list = ", list == OwnerList::skipped ? 1 : 0);
    source.join = " FROM delivery_index i CROSS JOIN webhook_deliveries d ON d.seq = i.seq WHERE";
    all.push_back(std::move(source));
    Source newest{.id = "d.id", .rest = rest, .is_small = true};
    newest.ids.also(" FROM webhook_deliveries d NOT INDEXED WHERE d.seq > ", indexed);
    newest.ids.also(" AND d.").also(column).also(" = ", owner).also(only);
    all.push_back(std::move(newest));
  }
  /// Candidates of an index for what is rare.
  void add_rare(Sql ids, const DeliveryQuery& rest) {
    all.push_back({.ids = std::move(ids), .id = "d.id", .rest = rest});
  }
};

/// Whether only what failed, or was never sent, can be meant. A failure keeps the status of an answer that
/// broke off later, so that a status says nothing about the error's class.
bool wants_errors(const DeliveryQuery& query) {
  return !query.error_class.empty() || query.response_status.value_or(0) >= 300 ||
         query.response_class.value_or(0) >= 3;
}

void add_statuses(Sources& sources, const DeliveryQuery& query, const std::vector<std::string>& statuses) {
  DeliveryQuery rest = query;
  rest.statuses.clear();
  const std::string_view column = query.subscription ? "subscription_id" : "tenant_id";
  const base::Uuid& owner = query.subscription ? query.subscription->uuid : query.tenant.uuid;
  for (const std::string& status : statuses) {
    if (status == "SKIPPED") {
      sources.add_owner(column, owner, OwnerList::skipped, rest);
    } else if (std::ranges::find(kFinal, status) != std::end(kFinal)) {
      // The first two conditions say nothing new, but that the index for it may be used.
      Sql ids = rows_of(column, owner);
      ids.also(" AND d.status <> 'DELIVERED' AND d.status <> 'SKIPPED' AND d.status = ", status);
      sources.add_rare(std::move(ids), rest);
    }
  }
}

/// The few sources that together have everything the query can find, each thing once.
Result<Sources> sources_of(db::Tx& tx, const DeliveryQuery& query) {
  Sources sources{.engine = tx.engine()};
  if (tx.engine() == db::Engine::sqlite) {
    XD_DO(tx.query("SELECT seq FROM delivery_indexed", {},
                   [&](const db::Row& row) { sources.indexed = row.integer(0); }));
  }
  Sql ids = rows_of("tenant_id", query.tenant);
  if (query.event) {
    sources.add_owner("event_id", query.event->uuid, OwnerList::all, query);
  } else if (query.operation) {
    sources.add_rare(rows_of("operation_id", *query.operation).also(" AND d.operation_id IS NOT NULL"),
                     query);
  } else if (!query.error_signature.empty()) {
    ids.also(" AND d.error_signature <> '' AND d.error_signature = ", query.error_signature);
    sources.add_rare(std::move(ids), query);
  } else if (!query.error_class.empty() && !query.subscription) {
    ids.also(" AND d.error_class <> '' AND d.error_class = ", query.error_class);
    sources.add_rare(std::move(ids), query);
  } else if (!query.statuses.empty() &&
             std::ranges::find(query.statuses, "DELIVERED") == query.statuses.end()) {
    add_statuses(sources, query, query.statuses);
  } else if (query.statuses.empty() && wants_errors(query)) {
    static const std::vector<std::string> kSent = {"FAILED", "CANCELLED"};
    static const std::vector<std::string> kWithErrors = {"FAILED", "CANCELLED", "SKIPPED"};
    add_statuses(sources, query, query.error_class.empty() ? kSent : kWithErrors);
  } else if (query.is_test.value_or(false)) {
    sources.add_rare(std::move(ids.also(" AND d.is_test = 1")), query);
  } else if (query.attempts_min.value_or(0) > 1) {
    sources.add_rare(std::move(ids.also(" AND d.attempt_number > 1")), query);
  } else if (query.response_time_ms_min.value_or(0) >= kSlowMs) {
    sources.add_rare(std::move(ids.also(" AND d.response_time_ms >= 1000")), query);
  } else if (query.subscription) {
    sources.add_owner("subscription_id", query.subscription->uuid, OwnerList::all, query);
  } else {
    sources.add_owner("tenant_id", query.tenant.uuid, OwnerList::all, query);
  }
  return sources;
}

/// Where a search is: between these ids, without them, in this direction.
struct Range {
  explicit Range(const DeliveryQuery& query) : ascending(query.page.after.has_value()) {
    before = query.page.before;
    after = query.page.after;
    if (query.created.before) {
      const base::Uuid end = base::first_uuid_of(*query.created.before);
      if (!before || end < *before) before = end;
    }
    if (query.created.from) from = base::first_uuid_of(*query.created.from);
  }
  void add_to(Sql& sql, const std::string& id) const {
    add_begin(sql, id);
    add_end(sql, id);
  }
  /// Where it begins, and where it ends at last. A piece has an end of its own and only that: of two bounds
  /// on one side SQLite would take the one that it likes to end its search.
  void add_begin(Sql& sql, const std::string& id) const { ascending ? add_low(sql, id) : add_high(sql, id); }
  void add_end(Sql& sql, const std::string& id) const { ascending ? add_high(sql, id) : add_low(sql, id); }
  void add_low(Sql& sql, const std::string& id) const {
    if (after && (!from || *after >= *from)) {
      sql.also(" AND ").also(id).also(" > ", *after);
    } else if (from) {
      sql.also(" AND ").also(id).also(" >= ", *from);
    }
  }
  void add_high(Sql& sql, const std::string& id) const {
    if (before) sql.also(" AND ").also(id).also(" < ", *before);
  }
  void order(Sql& sql, const std::string& id) const {
    sql.also(" ORDER BY ").also(id).also(ascending ? "" : " DESC");
  }
  /// With so many found already, what lies beyond the last of the page need not be looked for.
  void end_with_page(std::vector<base::Uuid>& found, std::size_t limit) {
    if (found.size() < limit) return;
    const auto last = found.begin() + static_cast<std::ptrdiff_t>(limit) - 1;
    if (ascending) {
      std::ranges::nth_element(found, last);
      before = *last;
    } else {
      std::ranges::nth_element(found, last, std::greater{});
      after = *last;
    }
  }
  /// Everything up to and with this id was looked at.
  void pass(const base::Uuid& id) { (ascending ? after : before) = id; }

  bool ascending;
  std::optional<base::Uuid> before;
  std::optional<base::Uuid> after;
  std::optional<base::Uuid> from;
};

/// The id at the end of the source's next piece; nothing when what is left is less than a piece.
Result<std::optional<base::Uuid>> end_of_piece(db::Tx& tx, const Source& source, const Range& range,
                                               std::size_t piece) {
  Sql sql{"SELECT " + source.id + source.ids.text, source.ids.args};
  range.add_to(sql, source.id);
  range.order(sql, source.id);
  sql.also(" LIMIT 1 OFFSET ", piece - 1);
  std::optional<base::Uuid> end;
  XD_DO(tx.query(sql.text, sql.args, [&](const db::Row& row) { end = row.uuid(0); }));
  return end;
}

/// "what FROM … WHERE …" of the rows of a piece that are wanted.
Sql wanted_of_piece(std::string_view what, const Source& source, const Range& range,
                    const std::optional<base::Uuid>& end) {
  Sql sql{"SELECT " + std::string(what) + source.ids.text, source.ids.args};
  if (!source.join.empty()) {
    const std::size_t conditions = sql.text.find(" WHERE");
    sql.text = "SELECT " + std::string(what) + source.join + sql.text.substr(conditions + 6);
  }
  range.add_begin(sql, source.id);
  if (end) {
    sql.also(" AND ").also(source.id).also(range.ascending ? " <= " : " >= ", *end);
  } else {
    range.add_end(sql, source.id);
  }
  add_conditions(sql, source.rest);
  return sql;
}

/// Goes through a source in pieces; `take` gets each piece's statement and says whether to go on. Returns the
/// id where it ended for want of time.
template <class Take>
Result<std::optional<base::Uuid>> go_through(db::Tx& tx, const Source& source, std::string_view what,
                                             Range range, const SearchLimits& limits, Take take) {
  std::size_t piece = limits.first_piece;
  while (true) {
    const auto begun = base::steady_now();
    std::optional<base::Uuid> end;
    if (!source.is_small) {
      XD_TRY(end, end_of_piece(tx, source, range, piece));
    }
    Sql sql = wanted_of_piece(what, source, range, end);
    XD_TRY(const bool go_on, take(sql, range));
    if (!end || !go_on) return std::optional<base::Uuid>{};
    const auto now = base::steady_now();
    if (now >= limits.until) return end;
    range.pass(*end);
    const std::chrono::duration<double> took = now - begun;
    const double faster = std::min(kGrowthMax, std::chrono::duration<double>(kPieceTime) / took);
    piece = std::clamp(static_cast<std::size_t>(static_cast<double>(piece) * faster), kPieceMin, kPieceMax);
  }
}

/// Puts what several searches found in order, and leaves out what lies beyond the point that all have
/// reached.
FoundDeliveries merged(std::vector<FoundDeliveries> parts, const db::Page& page) {
  const bool ascending = page.after.has_value();
  FoundDeliveries all;
  for (FoundDeliveries& part : parts) {
    std::ranges::move(part.deliveries, std::back_inserter(all.deliveries));
    if (!part.reached) continue;
    const bool nearer =
        !all.reached || (ascending ? *part.reached < *all.reached : *part.reached > *all.reached);
    if (nearer) all.reached = part.reached;
  }
  if (all.reached) {
    std::erase_if(all.deliveries, [&](const Delivery& one) {
      return ascending ? one.id.uuid > *all.reached : one.id.uuid < *all.reached;
    });
  }
  std::ranges::sort(all.deliveries, std::greater{}, &Delivery::id);
  if (all.deliveries.size() >= page.limit) {
    const auto surplus = static_cast<std::ptrdiff_t>(all.deliveries.size() - page.limit);
    const auto begin = all.deliveries.begin();
    ascending ? all.deliveries.erase(begin, begin + surplus)
              : all.deliveries.erase(all.deliveries.end() - surplus, all.deliveries.end());
    all.reached.reset();  // the page is full: its last id says where the next begins
  }
  return all;
}

bool wants_finished(const DeliveryQuery& query) {
  return query.statuses.empty() || std::ranges::any_of(query.statuses, [](const std::string& status) {
           return std::ranges::find(kFinal, status) != std::end(kFinal);
         });
}

/// Whether only what was attempted can be meant.
bool wants_answer(const DeliveryQuery& query) {
  return query.response_status || query.response_class || !query.error_class.empty() ||
         !query.error_signature.empty() || query.response_time_ms_min;
}

/// Which tasks of a lane the query means; nothing when none.
std::optional<queue::Tried> wanted_of_lane(const DeliveryQuery& query, queue::LaneState state) {
  const auto wants = [&](std::string_view status) {
    return query.statuses.empty() || std::ranges::find(query.statuses, status) != query.statuses.end();
  };
  const queue::Tried any = wants_answer(query) ? queue::Tried::yes : queue::Tried::any;
  if (state == queue::LaneState::paused) return wants("HELD") ? std::optional(any) : std::nullopt;
  if (wants("RETRYING")) return wants("PENDING") ? any : queue::Tried::yes;
  return wants("PENDING") && any == queue::Tried::any ? std::optional(queue::Tried::no) : std::nullopt;
}

/// By what the last attempt came to.
bool matches_answer(const DeliveryQuery& query, const Delivery& delivery) {
  const Attempt& last = delivery.last;
  if (wants_answer(query) && last.outcome.empty()) return false;
  return (!query.response_status || last.response_status == *query.response_status) &&
         (!query.response_class || last.response_status.value_or(0) / 100 == *query.response_class) &&
         (query.error_class.empty() || query.error_class == last.error_class) &&
         (query.error_signature.empty() || query.error_signature == delivery.error_signature) &&
         last.response_time_ms >= query.response_time_ms_min.value_or(0);
}

bool matches_waiting(const DeliveryQuery& query, const Delivery& delivery) {
  return matches_answer(query, delivery) &&
         (query.event_type.empty() || event::pattern_matches(query.event_type, delivery.event_type)) &&
         (!query.event || *query.event == delivery.event) &&
         (!query.operation || query.operation == delivery.operation) &&
         delivery.last.number >= query.attempts_min.value_or(0);
}

}  // namespace

SearchLimits interactive() { return {.until = base::steady_now() + kInteractiveTime}; }

Result<FoundDeliveries> search_finished(db::Tx& tx, const DeliveryQuery& query, SearchLimits limits) {
  if (!wants_finished(query)) return FoundDeliveries{};
  XD_TRY(const Sources sources, sources_of(tx, query));
  const std::string columns(kDeliveryColumns);
  Range range(query);
  std::vector<FoundDeliveries> parts;
  std::vector<base::Uuid> ids;
  for (const Source& source : sources.all) {
    FoundDeliveries& part = parts.emplace_back();
    const auto take = [&](Sql& sql, const Range& range) -> Result<bool> {
      range.order(sql, source.id);
      sql.also(" LIMIT ", query.page.limit - part.deliveries.size());
      XD_DO(tx.query(sql.text, sql.args,
                     [&](const db::Row& row) { part.deliveries.push_back(read_delivery(row)); }));
      return part.deliveries.size() < query.page.limit;
    };
    XD_TRY(part.reached, go_through(tx, source, columns, range, limits, take));
    for (const Delivery& one : part.deliveries) ids.push_back(one.id.uuid);
    range.end_with_page(ids, query.page.limit);
  }
  return merged(std::move(parts), query.page);
}

Result<CountedDeliveries> count_finished(db::Tx& tx, const DeliveryQuery& query, SearchLimits limits) {
  CountedDeliveries counted;
  if (!wants_finished(query)) return counted;
  XD_TRY(const Sources sources, sources_of(tx, query));
  for (const Source& source : sources.all) {
    const auto take = [&](Sql& sql, const Range&) -> Result<bool> {
      XD_DO(tx.query(sql.text, sql.args, [&](const db::Row& row) { counted.count += row.integer(0); }));
      return true;
    };
    XD_TRY(const auto reached, go_through(tx, source, "count(*)", Range(query), limits, take));
    if (reached && (!counted.reached || *reached > *counted.reached)) counted.reached = reached;
  }
  return counted;
}

Result<bool> each_failed(db::Tx& tx, DeliveryQuery query, SearchLimits limits,
                         const std::function<void(const FailedDelivery&)>& take) {
  query.statuses = {"FAILED"};
  query.page = {};
  bool partial = false;
  XD_TRY(const Sources sources, sources_of(tx, query));
  for (const Source& source : sources.all) {
    const auto read = [&](Sql& sql, const Range&) -> Result<bool> {
      XD_DO(tx.query(sql.text, sql.args, [&](const db::Row& row) {
        take({row.id<DeliveryId>(0), row.id<SubscriptionId>(1), row.string(2), row.integer(3), row.time(4)});
      }));
      return true;
    };
    XD_TRY(
        const auto reached,
        go_through(tx, source, "d.id, d.subscription_id, d.error_signature, d.attempt_number, d.completed_at",
                   Range(query), limits, read));
    partial = partial || reached;
  }
  return partial;
}

Result<std::optional<base::Time>> oldest_finished(db::Tx& tx, const DeliveryQuery& query) {
  const DeliveryQuery any{.tenant = query.tenant,
                          .subscription = query.subscription,
                          .statuses = {std::begin(kFinal), std::end(kFinal)},
                          .page = {.after = base::Uuid{}, .limit = 1}};
  XD_TRY(const auto found, search_finished(tx, any, interactive()));
  if (found.deliveries.empty()) return std::optional<base::Time>{};
  return std::optional(base::time_of(found.deliveries.front().id.uuid));
}

Result<FoundDeliveries> search_waiting(db::Tx& tx, const DeliveryQuery& query, SearchLimits limits) {
  if (query.is_test.value_or(false)) return FoundDeliveries{};
  XD_TRY(const auto lanes, delivery_lanes(tx, query.tenant, query.subscription));
  Range range(query);
  FoundDeliveries found;
  while (true) {
    db::Page page{.before = range.before, .after = range.after, .limit = query.page.limit};
    std::vector<Delivery> waiting;
    for (const DeliveryLane& lane : lanes) {
      const std::optional<queue::Tried> tried = wanted_of_lane(query, lane.state);
      if (!tried) continue;
      XD_TRY(const auto tasks, queue::pending(tx, lane.id, page, *tried));
      for (const queue::Task& task : tasks) waiting.push_back(waiting_delivery(task, lane));
    }
    std::ranges::sort(waiting, std::greater{}, &Delivery::id);
    const bool more = waiting.size() >= page.limit;
    if (more && range.ascending)
      waiting.erase(waiting.begin(), waiting.end() - static_cast<std::ptrdiff_t>(page.limit));
    if (more && !range.ascending) waiting.resize(page.limit);
    if (waiting.empty()) break;
    range.pass(range.ascending ? waiting.front().id.uuid : waiting.back().id.uuid);
    const bool over = range.from && !range.ascending && waiting.back().id.uuid < *range.from;
    std::erase_if(waiting, [&](const Delivery& one) { return range.from && one.id.uuid < *range.from; });
    XD_DO(add_details(tx, waiting));
    for (Delivery& one : waiting) {
      if (matches_waiting(query, one)) found.deliveries.push_back(std::move(one));
    }
    if (!more || over || found.deliveries.size() >= query.page.limit) break;
    if (base::steady_now() < limits.until) continue;
    found.reached = range.ascending ? range.after : range.before;
    break;
  }
  std::vector<FoundDeliveries> parts;
  parts.push_back(std::move(found));
  return merged(std::move(parts), query.page);
}

Result<FoundDeliveries> search_deliveries(db::Tx& tx, const DeliveryQuery& query, SearchLimits limits) {
  std::vector<FoundDeliveries> parts(2);
  XD_TRY(parts[0], search_waiting(tx, query, limits));
  XD_TRY(parts[1], search_finished(tx, query, limits));
  return merged(std::move(parts), query.page);
}

}  // namespace outbound
