#include "api/tenant/routes.hpp"

namespace api {

namespace {

using enum tenant::Permission;

constexpr Route kRoutes[] = {
    {{"GET", "/api/v1/tenants"}, platform(tenants_read), list_tenants},
    {{"POST", "/api/v1/tenants"}, platform(tenants_write), create_tenant},
    {{"GET", "/api/v1/tenants/:id"}, platform(tenants_read), get_tenant},
    {{"PATCH", "/api/v1/tenants/:id"}, platform(tenants_write), patch_tenant},
    {{"DELETE", "/api/v1/tenants/:id"}, platform(tenants_write), delete_tenant},
    {{"GET", "/api/v1/api-keys"}, any_key(api_keys_read), list_api_keys},
    {{"POST", "/api/v1/api-keys"}, any_key(api_keys_write), create_api_key},
    {{"GET", "/api/v1/api-keys/:id"}, any_key(api_keys_read), get_api_key},
    {{"DELETE", "/api/v1/api-keys/:id"}, any_key(api_keys_write), delete_api_key},
    {{"GET", "/api/v1/audit-log"}, any_key(audit_read), list_audit_log},
};

}  // namespace

std::span<const Route> tenant_routes() { return kRoutes; }

}  // namespace api
