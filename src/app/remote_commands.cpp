#include "app/remote_commands.hpp"

#include <CLI/CLI.hpp>

#include "app/command_line.hpp"
#include "cli/remote_commands.hpp"

namespace app {

namespace {

constexpr const char* kListenExample =
    "  crossdock listen 'order.*'\n"
    "  crossdock listen 'order.*' --forward-to http://localhost:3000/hooks\n\n";
constexpr const char* kTriggerExample =
    "  crossdock trigger order.created --set order.id=42 --set order.total=19.90\n\n";
constexpr const char* kListExample = "  crossdock deliveries list --status FAILED --code 5xx --since 2h\n\n";
constexpr const char* kRemoteFooter =
    "The hub is given by --url and --token or, better for a secret, by CROSSDOCK_URL (default\n"
    "http://127.0.0.1:8080), CROSSDOCK_API_KEY and CROSSDOCK_TENANT. Where its certificate is from an "
    "authority\n"
    "of your own, --ca-file or CROSSDOCK_CA_FILE names that.";

void add_remote(CLI::App& command, cli::RemoteOptions& remote, std::string& format,
                const char* example = "") {
  command.add_option("--url", remote.url, "URL of the hub (CROSSDOCK_URL)");
  command.add_option("--token", remote.token, "API key (CROSSDOCK_API_KEY)");
  command.add_option("--tenant", remote.tenant, "tenant, for a key of the platform (CROSSDOCK_TENANT)");
  command.add_option("-o,--output", format,
                     "table, json or jsonl (default: table on a terminal, else jsonl)");
  command.add_option("--ca-file", remote.ca_file,
                     "PEM file of the authorities that certificates may be from (CROSSDOCK_CA_FILE)");
  command.footer(std::string(example) + kRemoteFooter + kRemoteExitStatus);
}

}  // namespace

struct RemoteCommands::Impl {
  explicit Impl(CLI::App& program) {
    add_listen(program);
    add_trigger(program);
    add_deliveries(program);
  }

  void add_listen(CLI::App& program) {
    listen = program.add_subcommand("listen",
                                    "print events as they happen, or forward them to a URL, signed; go on "
                                    "where it was after any interruption");
    listen->add_option("patterns", listening.patterns,
                       "event types: order.created, order.*, workitem_*, * (default: all)");
    listen->add_option("--forward-to", listening.forward_to,
                       "URL to send each event to, as a webhook (default: events are printed only)");
    listen->add_option("--name", listening.name,
                       "name of the listener, whose place the hub keeps (default: of this machine, the "
                       "patterns and the URL)");
    listen->add_option("--since", listening.since, "a new listener begins so long ago: 30m, 2h, or a time");
    listen->add_flag("--from-start", listening.from_start,
                     "a new listener begins with the oldest that is kept");
    listen->add_option("--secret", listening.secret, "whsec_... to sign with (default: one of its own)");
    listen->add_flag("--print-secret", listening.print_secret, "print the secret it signs with, and end");
    listen->add_option("--reconnects", listening.reconnects_max,
                       "end after so many failures to connect in a row (default 20)");
    add_remote(*listen, listening.remote, listening.format, kListenExample);
  }

  void add_trigger(CLI::App& program) {
    trigger = program.add_subcommand("trigger", "publish an event");
    trigger->add_option("type", triggered.type, "type of the event: order.created")->required();
    trigger
        ->add_option("--set", triggered.sets,
                     "a member of the data, as order.total=19.90; JSON where it reads as such, else a text; "
                     "repeatable")
        ->allow_extra_args(false);
    trigger->add_option("--data", triggered.data, "data as JSON, or @file (default {})");
    trigger->add_option("--subject", triggered.subject, "what it is about: order/42");
    add_remote(*trigger, triggered.remote, triggered.format, kTriggerExample);
  }

  void add_deliveries(CLI::App& program) {
    CLI::App* group = program.add_subcommand("deliveries", "what became of events: list, get, replay");
    group->require_subcommand(1);
    list = group->add_subcommand("list", "list deliveries, newest first");
    const auto filter = [&](const char* flag, const char* parameter, const char* meaning) {
      auto& slot = filters.emplace_back(parameter, std::make_unique<std::string>());
      list->add_option(flag, *slot.second, meaning);
    };
    filter("--status", "status",
           "PENDING, RETRYING, HELD, DELIVERED, FAILED, CANCELLED, SKIPPED; several by commas");
    filter("--type", "event_type", "type of the event, or a pattern: order.*, workitem_*");
    filter("--subscription", "subscription_id", "id of the subscription, or the listener");
    filter("--event", "event_id", "id of the event");
    filter("--code", "status_code", "status that was answered: 503, 5xx");
    filter("--error-class", "error_class", "kind of failure: READ_TIMEOUT; another word lists them all");
    filter("--error-signature", "error_signature", "one cause of failures, as a delivery shows it");
    filter("--operation", "operation_id", "id of the replay that made them");
    filter("--slower-than", "response_time_ms[gte]", "milliseconds");
    filter("--attempts", "attempts[gte]", "at least so many attempts");
    list->add_option("--since", chosen.since, "made within: 30m, 2h, or since a time");
    list->add_option("--until", chosen.until, "made before that: 30m (ago), 2h, or a time");
    list->add_option("--limit", chosen.limit, "at most so many (default 50)")->check(CLI::PositiveNumber);
    get = group->add_subcommand("get", "show a delivery");
    replay = group->add_subcommand("replay", "deliver once more");
    replay->add_option("--to", chosen.url, "to another URL than the subscription's");
    for (CLI::App* command : {get, replay})
      command->add_option("id", chosen.id, "id of the delivery")->required();
    add_remote(*list, chosen.remote, chosen.format, kListExample);
    for (CLI::App* command : {get, replay}) add_remote(*command, chosen.remote, chosen.format);
  }

  CLI::App* listen = nullptr;
  CLI::App* trigger = nullptr;
  CLI::App* list = nullptr;
  CLI::App* get = nullptr;
  CLI::App* replay = nullptr;
  cli::ListenOptions listening;
  cli::TriggerOptions triggered;
  cli::DeliveriesOptions chosen;
  std::vector<std::pair<const char*, std::unique_ptr<std::string>>> filters;
};

RemoteCommands::RemoteCommands(CLI::App& program) : impl_(std::make_unique<Impl>(program)) {}
RemoteCommands::~RemoteCommands() = default;

std::optional<int> RemoteCommands::run() {
  Impl& given = *impl_;
  for (const auto& [parameter, value] : given.filters) given.chosen.filters.emplace_back(parameter, *value);
  if (*given.listen) return cli::listen(given.listening);
  if (*given.trigger) return cli::trigger(given.triggered);
  if (*given.list) return cli::deliveries_list(given.chosen);
  if (*given.get) return cli::deliveries_get(given.chosen);
  if (*given.replay) return cli::deliveries_replay(given.chosen);
  return std::nullopt;
}

}  // namespace app
