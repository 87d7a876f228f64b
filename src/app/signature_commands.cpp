#include "app/signature_commands.hpp"

#include <CLI/CLI.hpp>

#include "cli/signature.hpp"

namespace app {

namespace {

constexpr const char* kVerifyExample =
    "  crossdock signature verify --scheme stripe --secret-file secret.txt --request request.txt\n\n"
    "A request is the text of HTTP: the request line, the headers, an empty line, the body as it came.\n"
    "The secret may stand in CROSSDOCK_SIGNATURE_SECRET instead.\n\n"
    "Exit status: 0 it passes, 1 it is refused or cannot be read, 2 wrong usage.";
constexpr const char* kSignExample =
    "  printf 'POST /hook HTTP/1.1\\n\\n{\"id\":1}' | crossdock signature sign --scheme github --secret-file "
    "secret.txt\n\n"
    "The secret may stand in CROSSDOCK_SIGNATURE_SECRET instead.\n"
    "Prints the headers that the sender adds; where a scheme has its signature in the URL or the body, the "
    "whole\n"
    "request.\n\n"
    "Exit status: 0 done, 1 the scheme cannot be signed so, or something is missing, 2 wrong usage.";

}  // namespace

struct SignatureCommands::Impl {
  explicit Impl(CLI::App& program) {
    CLI::App* signature =
        program.add_subcommand("signature", "verify and sign requests as known senders do, without a hub");
    signature->require_subcommand(1);
    verify = signature->add_subcommand("verify", "say step by step whether a captured request passes");
    add_options(*verify);
    verify->add_option("-o,--output", options.format, "table or json (default: table on a terminal)");
    verify->footer(kVerifyExample);
    sign = signature->add_subcommand(
        "sign", "sign a request as a sender does: the headers it adds, or the whole request");
    add_options(*sign);
    sign->add_option(
        "-o,--output", options.format,
        "headers, or request: the whole of it (default: headers, where they are all that is added)");
    sign->add_option("--id", options.id, "id of the event, where the scheme has one in a header");
    sign->add_option("--private-key-file", options.private_key_file,
                     "PEM, for schemes that sign by a key pair");
    sign->footer(kSignExample);
    list = signature->add_subcommand("list", "the schemes that are known by name");
    list->add_option("-o,--output", options.format, "table or jsonl (default: table on a terminal)");
    show = signature->add_subcommand("show", "print the document of a scheme");
    show->add_option("name", name, "name of the scheme")->required();
  }

  void add_options(CLI::App& command) {
    command
        .add_option("--scheme", options.scheme,
                    "name of a scheme, or a .json file with one (docs/signatures.md)")
        ->required();
    command.add_option("--request", options.request, "file with the request (default: standard input)");
    command.add_option("--secret-file", options.secret_file,
                       "file with the secrets, one a line, or one key in PEM");
    command.add_option("--url", options.url,
                       "URL that the sender was given, for schemes that sign it "
                       "(default: of the request)");
    command.add_option("--config", options.config,
                       "NAME=VALUE: a setting that the scheme asks for; repeatable");
    command.add_option("--at", options.at, "time at which it is sent or checked, RFC 3339 (default: now)");
  }

  CLI::App* verify = nullptr;
  CLI::App* sign = nullptr;
  CLI::App* list = nullptr;
  CLI::App* show = nullptr;
  cli::SignatureOptions options;
  std::string name;
};

SignatureCommands::SignatureCommands(CLI::App& program) : impl_(std::make_unique<Impl>(program)) {}
SignatureCommands::~SignatureCommands() = default;

std::optional<int> SignatureCommands::run() {
  const Impl& given = *impl_;
  if (*given.verify) return cli::signature_verify(given.options);
  if (*given.sign) return cli::signature_sign(given.options);
  if (*given.list) return cli::signature_list(given.options.format);
  if (*given.show) return cli::signature_show(given.name);
  return std::nullopt;
}

}  // namespace app
