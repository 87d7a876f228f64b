// /livez, /readyz, /metrics, /openapi.json and the pages that explain problems: for machines and people
// around the API.
#include "api/core/documents.hpp"
#include "api/core/routes.hpp"
#include "base/metrics.hpp"
#include "base/process_metrics.hpp"

namespace api {

namespace {

using base::Code;
using base::fail;

std::string problem_page(const ProblemKind& kind) {
  std::string page =
      "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light "
      "dark\">"
      "<title>";
  page.append(kind.title)
      .append(
          "</title><body style=\"font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;"
          "padding:0 1rem\"><p><code>");
  page.append(kind.code)
      .append("</code> &middot; HTTP ")
      .append(std::to_string(kind.status))
      .append("</p><h1>");
  page.append(kind.title).append("</h1><p>").append(kind.explanation).append("</p></body></html>\n");
  return page;
}

}  // namespace

base::Task<http::Response> get_livez(Call&) { co_return json_response(200, R"({"status":"ok"})"); }

base::Task<http::Response> get_readyz(Call& call) {
  if (call.services.draining)
    co_return fail(Code::unavailable, "shutting down; send requests to another node");
  if (!has_room(call.services)) co_return fail(Code::unavailable, "the disk is almost full", "STORAGE_FULL");
  // A write proves that the store can be written, which no read can.
  XD_CO_DO(co_await call.services.store.write([](db::Tx&) -> Result<void> { return {}; }));
  co_return json_response(200, R"({"status":"ok"})");
}

base::Task<http::Response> get_metrics(Call&) {
  http::Response response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  base::observe_process(base::steady_now());
  response.body = base::metrics().text();
  co_return response;
}

base::Task<http::Response> get_openapi(Call&) {
  co_return json_response(200, std::string(openapi_document()));
}

base::Task<http::Response> get_problem_page(Call& call) {
  const auto kinds = problem_kinds();
  const auto kind = std::ranges::find(kinds, call.param("slug"), &ProblemKind::slug);
  if (kind == kinds.end()) co_return fail(Code::not_found, "there is no problem of this name");
  http::Response response;
  response.content_type = "text/html; charset=utf-8";
  response.body = problem_page(*kind);
  response.headers.emplace_back("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
  co_return response;
}

}  // namespace api
