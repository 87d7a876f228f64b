// Errors as the API tells them: application/problem+json (RFC 9457) with a stable code and a page that
// explains it.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "http/message.hpp"

namespace api {

/// One kind of problem. The table of them is what /problems/<slug> shows and what the OpenAPI document lists.
struct ProblemKind {
  std::string_view code;  ///< "VALIDATION_FAILED"
  std::string_view slug;  ///< "validation-failed"
  int status;
  std::string_view title;
  std::string_view explanation;  ///< cause and fix, for the page
};
std::span<const ProblemKind> problem_kinds();

/// The kind that an error is told as.
const ProblemKind& kind_of(const base::Error& error);
const ProblemKind& kind_of_status(int status);

struct ProblemContext {
  std::string_view instance{};  ///< the request's path
  std::string_view request_id{};
};

/// The JSON of a problem, also where it is a part of an answer (batches). data is the JSON of a member of
/// that name: what became of each part of a request; empty: none.
std::string problem_json(const ProblemKind& kind, const base::Error& error, const ProblemContext& context,
                         std::string_view data = {});

/// The whole response, with Retry-After where the kind is 429 or 503, and WWW-Authenticate where an API
/// key is asked for.
http::Response problem(const base::Error& error, const ProblemContext& context);
http::Response problem(int status, std::string_view detail, const ProblemContext& context);

}  // namespace api
