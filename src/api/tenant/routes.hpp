// Tenants, their API keys and the audit log: the routes, and the handlers that answer them.
#pragma once

#include "api/core/route.hpp"

namespace api {

base::Task<http::Response> list_tenants(Call& call);
base::Task<http::Response> create_tenant(Call& call);
base::Task<http::Response> get_tenant(Call& call);
base::Task<http::Response> patch_tenant(Call& call);
base::Task<http::Response> delete_tenant(Call& call);
base::Task<http::Response> list_api_keys(Call& call);
base::Task<http::Response> create_api_key(Call& call);
base::Task<http::Response> get_api_key(Call& call);
base::Task<http::Response> delete_api_key(Call& call);
base::Task<http::Response> list_audit_log(Call& call);

std::span<const Route> tenant_routes();

}  // namespace api
