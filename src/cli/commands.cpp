#include "cli/commands.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/store.hpp"
#include "db/migration.hpp"
#include "format/json.hpp"
#include "tenant/api_key.hpp"
#include "tenant/audit.hpp"
#include "tenant/tenant.hpp"

namespace cli {

int report(const base::Error& error) {
  std::fprintf(stderr, "error: %s\n", error.message.c_str());
  return 1;
}

int keys_generate(const std::string& key_name) {
  const std::string entry = crypto::KeyRing::generate_entry(key_name);
  if (auto ring = crypto::KeyRing::parse(entry); !ring) return report(ring.error());
  std::printf("%s\n", entry.c_str());
  std::fprintf(
      stderr,
      "Set it as INTEGRATION_ENCRYPTION_KEY and keep a copy: without it stored secrets cannot be read.\n"
      "To rotate, make a key of another name (--name k2), put it first, k2:…,k1:…, and keep the old ones as "
      "long as\nsomething is encrypted with them.\n");
  return 0;
}

namespace {

base::Result<std::optional<base::TenantId>> find_owner(db::Tx& tx, const std::string& tenant) {
  if (tenant.empty()) return std::optional<base::TenantId>{};
  XD_TRY(const auto all, tenant::all_tenants(tx));
  for (const tenant::Tenant& each : all) {
    if (each.slug == tenant || each.id.str() == tenant) return std::optional(each.id);
  }
  return base::fail(base::Code::not_found, "there is no tenant '" + tenant + "' in this store");
}

base::Result<base::Secret> make_admin_key(db::Db& store, const AdminKeyOptions& options) {
  XD_TRY(const auto status, db::migration_status(store, db::core_migrations()));
  if (!std::ranges::all_of(status, &db::MigrationStatus::applied)) {
    return base::fail(base::Code::unavailable,
                      "the store's schema is not up to date; run: crossdock migrate, and repeat this");
  }
  base::Secret secret = tenant::generate_key();
  XD_DO(store.write_now([&](db::Tx& tx) -> base::Result<void> {
    const base::Time now = base::SystemClock{}.now();
    XD_TRY(const auto owner, find_owner(tx, options.tenant));
    tenant::ApiKey key{.id = tenant::ApiKeyId::make(now), .tenant = owner, .name = options.name};
    key.role = tenant::Role::admin;
    key.created = now;
    key.updated = now;
    tenant::set_secret(key, secret.reveal());
    XD_DO(tenant::insert_key(tx, key));
    tenant::AuditEntry entry{.id = base::make_uuid(now), .tenant = owner, .at = now};
    entry.actor.label = "crossdock keys admin";
    entry.action = "api_key.created";
    entry.target_type = "api_key";
    entry.target = key.id.uuid;
    entry.after = R"({"name":)" + format::json_string(key.name) + R"(,"role":"admin","prefix":)" +
                  format::json_string(key.prefix) + "}";
    return tenant::insert_audit(tx, entry);
  }));
  return secret;
}

}  // namespace

int keys_admin(const Config& config, const AdminKeyOptions& options) {
  std::optional<DataDirectory> directory;
  if (config.database_url.empty()) {
    if (!std::filesystem::exists(store_file(config))) {
      return report({base::Code::not_found, "there is no store in " + config.data_directory +
                                                "; name its directory with --data, or start the hub once"});
    }
    auto opened = DataDirectory::open(config.data_directory);
    if (!opened) {
      return report(
          {opened.error().code, opened.error().message +
                                    "\nThis command needs the store for itself: stop the hub, repeat this, "
                                    "and start it again. On PostgreSQL it works while hubs run."});
    }
    directory.emplace(std::move(*opened));
  }
  auto store = open_store(config);
  if (!store) return report(store.error());
  const auto key = make_admin_key(**store, options);
  if (!key) return report(key.error());
  std::printf("%s\n", std::string(key->reveal()).c_str());
  std::fprintf(stderr,
               "An administrator's key%s, shown once. Revoke it when it has served: DELETE\n"
               "/api/v1/api-keys/<id>?made_keys=keep, which leaves the keys that were made with it.\n",
               options.tenant.empty() ? " of the platform" : (" of the tenant " + options.tenant).c_str());
  return 0;
}

int config_show(const Values& values) {
  std::size_t name_width = 0;
  for (const Setting& setting : settings()) name_width = std::max(name_width, setting.name.size());
  for (const Setting& setting : settings()) {
    const auto& value = values.by_name.find(setting.name)->second;
    const bool hidden = setting.secret && !value.text.empty();
    std::printf("%-*s  %-14s  %s\n", static_cast<int>(name_width), setting.name.data(),
                name(value.origin).data(),
                value.text.empty() ? "-"
                : hidden           ? "***"
                                   : value.text.c_str());
  }
  if (auto config = make_config(values); !config) return report(config.error());
  return 0;
}

int migrate(const Config& config, const std::string& action) {
  std::optional<DataDirectory> directory;
  if (config.database_url.empty()) {
    auto opened = DataDirectory::open(config.data_directory);
    if (!opened) return report(opened.error());
    directory.emplace(std::move(*opened));
  }
  auto store = open_store(config);
  if (!store) return report(store.error());
  if (action == "up") {
    auto applied = db::migrate(**store, db::core_migrations());
    if (!applied) return report(applied.error());
    std::printf("%d migrations applied\n", *applied);
    return 0;
  }
  auto status = db::migration_status(**store, db::core_migrations());
  if (!status) return report(status.error());
  for (const db::MigrationStatus& row : *status) {
    std::printf("%-8s %s\n", row.applied ? "applied" : "missing", row.name.c_str());
  }
  return 0;
}

}  // namespace cli
