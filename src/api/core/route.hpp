// A row of the API's route table: where, for whom, and who answers.
#pragma once

#include <span>

#include "api/core/auth.hpp"
#include "http/router.hpp"

namespace api {

struct Route {
  /// Who reads the body: the API, when it knows who asks, or the handler, when that knows more. Of open
  /// routes nobody but the handler.
  enum class Body : std::uint8_t { before_handler, by_handler };
  http::Route at;
  Access access;
  base::Task<http::Response> (*handler)(Call&);
  Body body = Body::before_handler;
};

// For the tables.
constexpr Access open() { return {}; }
constexpr Access watch() { return {.scope = Access::Scope::watch}; }
constexpr Access in_tenant(tenant::Permission permission) { return {Access::Scope::tenant, permission}; }
constexpr Access platform(tenant::Permission permission) { return {Access::Scope::platform, permission}; }
constexpr Access any_key(tenant::Permission permission) { return {Access::Scope::any_key, permission}; }

}  // namespace api
