#include "api/core/problem.hpp"

#include <array>

#include "base/assert.hpp"
#include "format/json.hpp"

namespace api {

namespace {

using base::Code;

constexpr auto kKinds = std::to_array<ProblemKind>({
    {"VALIDATION_FAILED", "validation-failed", 422, "Validation failed",
     "A member of the request breaks a rule. errors[] names each one by a JSON pointer and says what to "
     "change."},
    {"MALFORMED_JSON", "malformed-json", 400, "Malformed JSON",
     "The body is not one well-formed JSON text within the limits of depth and size. detail says where it "
     "stops."},
    {"BAD_REQUEST", "bad-request", 400, "Bad request",
     "The request is not well-formed HTTP, or a parameter of its query cannot be read."},
    {"CURSOR_MISMATCH", "cursor-mismatch", 400, "Cursor does not fit",
     "A cursor belongs to the list and the filters it came from. Begin the list again without it."},
    {"UNAUTHENTICATED", "unauthenticated", 401, "Authentication needed",
     "Send Authorization: Bearer with an API key that exists, has not expired and was not revoked."},
    {"SIGNATURE_REFUSED", "signature-refused", 401, "The signature does not fit",
     "The sender of this webhook is not known by its signature: it is missing, too old, or made with another "
     "secret or of something else. No API key helps. The endpoint's owner sees why: GET "
     "/api/v1/webhooks/endpoints/{id}/refused lists what was refused, and POST …/diagnose with its id says "
     "which step fails."},
    {"FORBIDDEN", "forbidden", 403, "Not allowed",
     "The key is known but its role or scopes do not cover this. Ask an admin of the tenant for a key that "
     "does."},
    {"NOT_FOUND", "not-found", 404, "Not found",
     "There is no such path, or no such thing in your tenant. What belongs to another tenant is not found "
     "either."},
    {"METHOD_NOT_ALLOWED", "method-not-allowed", 405, "Method not allowed",
     "The path exists, but not with this method. The Allow field lists those it has."},
    {"REQUEST_TIMEOUT", "request-timeout", 408, "Request too slow",
     "The header must arrive within 10 seconds and the body within 30."},
    {"CONFLICT_STATE", "conflict-state", 409, "State does not allow it",
     "The thing is not in a state in which this can be done, or another request is doing it now."},
    {"UNIQUE_VIOLATION", "unique-violation", 409, "Name taken",
     "Something else has this name or slug already. Choose another."},
    {"ETAG_MISMATCH", "etag-mismatch", 412, "Changed meanwhile",
     "If-Match names a version that is no longer the current one. Read the resource again and repeat the "
     "change."},
    {"PAYLOAD_TOO_LARGE", "payload-too-large", 413, "Body too large",
     "The body is larger than this server accepts (1 MiB unless it is set otherwise)."},
    {"URI_TOO_LONG", "uri-too-long", 414, "URI too long", "The request target may have at most 8 KiB."},
    {"UNSUPPORTED_MEDIA_TYPE", "unsupported-media-type", 415, "Media type not supported",
     "Send the body as Content-Type: application/json, in UTF-8, not compressed."},
    {"HEADER_TOO_LARGE", "header-too-large", 431, "Header too large",
     "The header may have at most 100 fields and 32 KiB."},
    {"IDEMPOTENCY_KEY_REUSED", "idempotency-key-reused", 422, "Idempotency key used for something else",
     "The key was sent with another body within the last 24 hours. Use a new key for a new request."},
    {"SSRF_BLOCKED", "ssrf-blocked", 422, "Address not allowed",
     "The URL leads to a private, local or otherwise special address. The operator can open ranges with "
     "CROSSDOCK_EGRESS_ALLOW."},
    {"OVERLOADED", "overloaded", 503, "Too much at once",
     "More requests are waiting than can be made durable at once. Nothing was accepted; send it again after "
     "Retry-After."},
    {"STORAGE_FULL", "storage-full", 503, "Disk full",
     "The disk has too little room to accept new work safely. Deliveries go on. Free space or enlarge the "
     "disk; no "
     "restart is needed."},
    {"OUTCOME_UNKNOWN", "outcome-unknown", 503, "Outcome unknown",
     "The connection to the database broke while the commit was under way. Repeat the request with the same "
     "Idempotency-Key: it has effect once."},
    {"READ_TOO_LONG", "read-too-long", 503, "Reading takes too long",
     "One request may keep a reader of the store for three seconds, and this would take longer. Ask for a "
     "shorter time, fewer rows, or with filters that are indexed, such as an id."},
    {"UNAVAILABLE", "unavailable", 503, "Not available now",
     "A part of the service cannot work at the moment. Nothing was accepted; send it again after "
     "Retry-After."},
    {"UPSTREAM_FAILED", "upstream-failed", 424, "Outside system failed",
     "An outside system that was needed for this did not do its part."},
    {"NOT_IMPLEMENTED", "not-implemented", 501, "Not implemented",
     "The request asks for something HTTP allows but "
     "this server does not do."},
    {"VERSION_NOT_SUPPORTED", "version-not-supported", 505, "HTTP version not supported",
     "HTTP/1.1 and HTTP/1.0 are spoken."},
    {"INTERNAL", "internal", 500, "Internal error",
     "A defect of Crossdock. Its log has the details under the request_id; please report it."},
});

const ProblemKind& kind(std::string_view code) {
  const auto found = std::ranges::find(kKinds, code, &ProblemKind::code);
  XD_ASSERT(found != kKinds.end());
  return *found;
}

std::string_view default_code(Code code) {
  switch (code) {
    case Code::invalid: return "VALIDATION_FAILED";
    case Code::unauthenticated: return "UNAUTHENTICATED";
    case Code::forbidden: return "FORBIDDEN";
    case Code::not_found: return "NOT_FOUND";
    case Code::conflict: return "CONFLICT_STATE";
    case Code::too_large: return "PAYLOAD_TOO_LARGE";
    case Code::limited: return "OVERLOADED";
    case Code::circuit_open:
    case Code::upstream: return "UPSTREAM_FAILED";
    case Code::timeout:
    case Code::cancelled:
    case Code::unavailable: return "UNAVAILABLE";
    case Code::corrupt:
    case Code::internal: return "INTERNAL";
  }
  return "INTERNAL";
}

http::Response respond(const ProblemKind& kind, const base::Error& error, const ProblemContext& context) {
  http::Response response;
  response.status = kind.status;
  response.content_type = "application/problem+json";
  response.body = problem_json(kind, error, context);
  if (kind.status == 503 || kind.status == 429) response.headers.emplace_back("Retry-After", "1");
  if (kind.code == "UNAUTHENTICATED") response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

}  // namespace

std::span<const ProblemKind> problem_kinds() { return kKinds; }

const ProblemKind& kind_of(const base::Error& error) {
  // The store refuses what the door should have: a defect, and not the caller's.
  if (error.internal && error.code == Code::invalid) return kind("INTERNAL");
  if (error.reason == "TOO_DEEP" || error.reason == "TOO_MANY_MEMBERS") return kind("MALFORMED_JSON");
  const auto found = std::ranges::find(kKinds, error.reason, &ProblemKind::code);
  return found != kKinds.end() ? *found : kind(default_code(error.code));
}

const ProblemKind& kind_of_status(int status) {
  if (status == 400) return kind("BAD_REQUEST");
  const auto found = std::ranges::find(kKinds, status, &ProblemKind::status);
  return found != kKinds.end() ? *found : kind("INTERNAL");
}

std::string problem_json(const ProblemKind& kind, const base::Error& error, const ProblemContext& context,
                         std::string_view data) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("type").value("/problems/" + std::string(kind.slug)).key("title").value(kind.title);
  json.key("status").value(kind.status);
  // What broke inside is for the log, not for the caller.
  const bool hidden = kind.status == 500 || error.internal;
  json.key("detail").value(hidden ? kind.explanation : std::string_view(error.message));
  json.key("instance").value(context.instance).key("code").value(kind.code);
  json.key("request_id").value(context.request_id);
  if (!error.fields.empty()) {
    json.key("errors").begin_array();
    for (const base::FieldError& field : error.fields) {
      json.begin_object().key("pointer").value(field.pointer).key("code").value(field.code);
      json.key("detail").value(field.detail).end_object();
    }
    if (const std::size_t more = error.fields.more(); more > 0) {
      json.begin_object().key("pointer").value("#").key("code").value("MORE_ERRORS");
      json.key("detail").value("and " + std::to_string(more) + " more; mend these first").end_object();
    }
    json.end_array();
  }
  if (!data.empty()) json.key("data").raw(data);
  json.end_object();
  return text;
}

http::Response problem(const base::Error& error, const ProblemContext& context) {
  return respond(kind_of(error), error, context);
}

http::Response problem(int status, std::string_view detail, const ProblemContext& context) {
  return respond(kind_of_status(status), {Code::internal, std::string(detail)}, context);
}

}  // namespace api
