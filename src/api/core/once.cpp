#include "api/core/once.hpp"

#include <charconv>

#include "crypto/digest.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;

http::Response respond(const Answer& answer) {
  http::Response response = answer.version ? json_response(answer.status, answer.body, *answer.version)
                                           : json_response(answer.status, answer.body);
  if (!answer.location.empty()) response.headers.emplace_back("Location", answer.location);
  return response;
}

std::string place_of(const event::IdempotencyKey& key) {
  return key.tenant.str() + "|idempotency_keys|" + key.scope + "|" + key.key;
}

/// "version location\nbody", version 0 and no location for none.
std::string pack(const Answer& answer) {
  return std::to_string(answer.version.value_or(0)) + " " + answer.location + "\n" + answer.body;
}

Answer unpack(int status, std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::size_t blank = std::min(text.find(' '), end);
  std::int64_t version = 0;
  std::from_chars(text.data(), text.data() + blank, version);
  Answer answer{status, std::string(text.substr(std::min(end + 1, text.size())))};
  if (blank < end) answer.location = std::string(text.substr(blank + 1, end - blank - 1));
  if (version > 0) answer.version = version;
  return answer;
}

struct Performed {
  Answer answer;
  bool replayed = false;
};

Result<Performed> perform(Call& call, db::Tx& tx, const std::optional<event::IdempotencyKey>& key,
                          const std::function<Result<Answer>(db::Tx&)>& work) {
  const crypto::KeyRing& ring = call.services.ring;
  if (key) {
    XD_TRY(const auto earlier, event::begin_idempotent(tx, *key, call.services.clock.now()));
    if (earlier) {
      XD_TRY(const auto opened, ring.open(earlier->body, place_of(*key)));
      return Performed{unpack(earlier->status, opened.reveal()), true};
    }
  }
  XD_TRY(Answer answer, work(tx));
  if (key) XD_DO(event::store_answer(tx, *key, {answer.status, ring.seal(pack(answer), place_of(*key))}));
  return Performed{std::move(answer)};
}

}  // namespace

Result<std::optional<event::IdempotencyKey>> read_idempotency_key(const Call& call, std::string scope) {
  const bool given = std::ranges::any_of(call.request.headers, [](const auto& field) {
    return http::equals_ignoring_case(field.first, "idempotency-key");
  });
  if (!given) return std::optional<event::IdempotencyKey>{};
  const std::string_view text = call.request.header("idempotency-key");
  // An empty one would make nothing safe, and its sender believes that it does.
  const bool shaped = !text.empty() && text.size() <= base::limits::kIdempotencyKeyBytesMax &&
                      std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
  if (!shaped)
    return fail(Code::invalid, "Idempotency-Key is 1 to 255 visible ASCII characters", "BAD_REQUEST");
  event::IdempotencyKey key;
  if (call.tenant) key.tenant = call.tenant->id;
  key.scope = std::move(scope);
  key.key = std::string(text);
  key.body_hash = call.body_hash;
  return std::optional(std::move(key));
}

base::Task<http::Response> change_once(Call& call, std::function<Result<Answer>(db::Tx&)> work) {
  const std::string scope = std::string(call.request.method) + " " + std::string(call.request.path);
  XD_CO_TRY(const auto key, read_idempotency_key(call, scope));
  XD_CO_TRY(const Performed performed, co_await call.services.store.write([&call, &key, &work](db::Tx& tx) {
    return perform(call, tx, key, work);
  }));
  http::Response response = respond(performed.answer);
  if (performed.replayed) response.headers.emplace_back("Idempotency-Replayed", "true");
  co_return response;
}

}  // namespace api
