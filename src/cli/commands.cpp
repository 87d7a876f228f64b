#include "cli/commands.hpp"

#include <cstdio>

#include "cli/store.hpp"
#include "db/migration.hpp"

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
      "To rotate, put a new key before the old one, separated by a comma.\n");
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
