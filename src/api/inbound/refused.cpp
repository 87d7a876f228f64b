// /api/v1/webhooks/endpoints/:id/refused and …/diagnose: what an endpoint refused, and why.
#include "api/core/page.hpp"
#include "api/inbound/endpoint_input.hpp"
#include "api/inbound/received_json.hpp"
#include "api/inbound/routes.hpp"
#include "inbound/process/diagnose.hpp"
#include "inbound/receive/refusal.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;
using inbound::Endpoint;
using inbound::EndpointId;
using inbound::EndpointPtr;
using inbound::Refusal;
using inbound::RefusalId;

void write_refusal(format::JsonWriter& json, const Refusal& refusal) {
  json.begin_object().key("id").value(refusal.id).key("reason").value(refusal.reason);
  json.key("detail").value(refusal.detail).key("refused_at").value(refusal.refused);
  json.key("source_ip").value(refusal.remote_ip).key("method").value(refusal.method);
  json.key("target").value(refusal.target).key("headers").raw(refusal.headers);
  if (refusal.body_bytes == Refusal::kUnread) {
    json.key("body").null().key("body_encoding").null().key("body_bytes").null();
  } else {
    write_body(json, "body", refusal.body);
    json.key("body_bytes").value(refusal.body_bytes);
  }
  json.end_object();
}

/// What a captured request would be verified with, where its sender shows its keys in public.
base::Task<inbound::KeyFinder::Keys> published_keys(Call& call, const Endpoint& endpoint,
                                                    const inbound::Captured& captured,
                                                    const std::string& url) {
  XD_CO_TRY(const auto prepared,
            inbound::prepare_endpoint(std::make_shared<const Endpoint>(endpoint.copy())));
  if (!inbound::KeyFinder::is_needed(prepared.scheme())) co_return inbound::KeyFinder::Keys{};
  const http::Request request = captured.request();
  const inbound::Message message(request, url);
  const auto secrets = prepared.keys_at(call.services.clock.now());
  co_return co_await call.services.inbound.keys().find(prepared, secrets.empty() ? nullptr : secrets.front(),
                                                       message);
}

Result<inbound::Captured> read_captured(const std::string& text) {
  auto captured = inbound::Captured::parse(text);
  if (captured) return captured;
  base::Error error = captured.error();
  error.fields.push_back({"#/request", "INVALID", error.message});
  return std::unexpected(std::move(error));
}

Result<inbound::Captured> captured_of(const Refusal& refusal) {
  XD_TRY(const auto headers, format::parse_json(refusal.headers));
  inbound::Captured captured{.method = refusal.method, .target = refusal.target, .body = refusal.body};
  for (const format::Value& header : headers.root().elements())
    captured.headers.emplace_back(header.elements()[0].text(), header.elements()[1].text());
  return captured;
}

/// What is asked about: a request as it was captured, or one that was refused and is kept.
struct Asked {
  inbound::Captured captured{};
  std::optional<Refusal> refusal{};
  base::Time at{};
};

base::Task<Asked> read_asked(Call& call, EndpointId id) {
  XD_CO_TRY(const auto document, co_await read_json(call));
  Input input(document.root(), "#");
  const auto text = input.text("request", base::limits::kBodyBytesDefault);
  const auto refused = input.text("refused_id", 36);
  const auto at = input.time("at");
  const auto refused_id = refused ? RefusalId::parse(*refused) : std::nullopt;
  if (refused && !refused_id) input.error("refused_id", "INVALID", "the id of a refused request");
  if (text.has_value() == refused.has_value() || (text && text->empty()))
    input.error("request", "REQUIRED", "a captured request; or refused_id, and not both");
  XD_CO_DO(input.finish());
  Asked asked;
  if (text) {
    XD_CO_TRY(asked.captured, read_captured(*text));
    asked.at = at.value_or(call.services.clock.now());
    co_return asked;
  }
  XD_CO_TRY(asked.refusal, co_await call.services.store.read([&](db::Tx& tx) {
    return inbound::find_refusal(tx, call.tenant_id(), id, *refused_id);
  }));
  if (!asked.refusal)
    co_return fail(Code::not_found,
                   "there is no refused request with this id any more; the last 50 are kept");
  XD_CO_TRY(asked.captured, captured_of(*asked.refusal));
  asked.at = at.value_or(asked.refusal->refused);
  co_return asked;
}

/// Of a request of which not all is kept: what was found when it came.
inbound::Diagnosis remembered(const Refusal& refusal) {
  inbound::Diagnosis said;
  said.steps.push_back({refusal.reason, false, refusal.detail});
  said.hint =
      refusal.body_bytes == Refusal::kUnread
          ? "its body was not read, because its head sufficed to refuse it or because the body did not come, "
            "so its signature was not verified: "
          : "not all of its body is kept, so its signature cannot be verified again: ";
  said.hint += "capture the whole request, and send it here as \"request\"";
  return said;
}

std::string diagnosis_json(const inbound::Diagnosis& found, bool passed, std::string_view result) {
  std::string body;
  format::JsonWriter json(body);
  json.begin_object().key("passed").value(passed).key("result").value(result);
  json.key("steps").begin_array();
  for (const inbound::Diagnosis::Step& step : found.steps) {
    json.begin_object().key("name").value(step.name).key("passed").value(step.good);
    json.key("detail").value(step.said).end_object();
  }
  json.end_array().key("expected").value(found.check.expected).key("got").value(found.check.got);
  json.key("hint").value(found.hint).key("event_ids").begin_array();
  for (const std::string& event : found.ids) json.value(event);
  json.end_array().end_object();
  return body;
}

}  // namespace

base::Task<http::Response> list_refused(Call& call) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  XD_CO_TRY(const PageRequest page, read_page(call));
  XD_CO_TRY(auto rows, co_await call.services.store.read([&](db::Tx& tx) -> Result<std::vector<Refusal>> {
    XD_DO(find_endpoint_or_fail(call, tx, id));
    return inbound::list_refusals(tx, call.tenant_id(), id, page.rows());
  }));
  co_return list_response(
      page, std::move(rows), [](const Refusal& refusal) { return refusal.id.uuid; }, write_refusal);
}

base::Task<http::Response> diagnose_endpoint(Call& call) {
  XD_CO_TRY(const auto id, id_param<EndpointId>(call, "id"));
  XD_CO_TRY(const EndpointPtr known, co_await call.services.store.read(
                                         [&](db::Tx& tx) { return find_endpoint_or_fail(call, tx, id); }));
  XD_CO_TRY(const Asked asked, co_await read_asked(call, id));
  if (asked.refusal && !asked.refusal->is_whole())
    co_return json_response(200, diagnosis_json(remembered(*asked.refusal), false, asked.refusal->reason));
  XD_CO_TRY(const crypto::Scheme scheme, inbound::scheme_of(*known));
  std::vector<base::Secret> secrets;
  for (const tenant::SigningSecret& secret : known->secrets) {
    if (secret.active(asked.at)) secrets.push_back(secret.text.clone());
  }
  const std::string url = call.services.origin.url_of(asked.captured.request());
  XD_CO_TRY(const auto keys, co_await published_keys(call, *known, asked.captured, url));
  XD_CO_TRY(inbound::Diagnosis found,
            co_await call.services.offload.run(call.tenant_id().uuid, [&]() -> Result<inbound::Diagnosis> {
              return inbound::diagnose(scheme, {secrets, keys}, asked.captured, url, asked.at);
            }));
  if (asked.refusal)
    found.steps.insert(found.steps.begin(),
                       {"when it came", false, asked.refusal->reason + ": " + asked.refusal->detail});
  co_return json_response(200, diagnosis_json(found, found.passed(), crypto::name(found.check.step)));
}

}  // namespace api
