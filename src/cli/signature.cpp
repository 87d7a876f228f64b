#include "cli/signature.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "inbound/diagnose.hpp"
#include "inbound/message.hpp"
#include "inbound/preset.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;

Result<std::string> read_whole(const std::string& name) {
  if (name == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  std::ifstream in(name, std::ios::binary);
  if (!in) return fail(Code::invalid, "cannot read " + name);
  return std::string(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
}

Result<inbound::SchemeConfig> read_config(const std::vector<std::string>& pairs) {
  inbound::SchemeConfig config;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) return fail(Code::invalid, "--config is NAME=VALUE");
    config[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return config;
}

/// The fields of an error go to standard error, a line each.
base::Error with_fields(base::Error error) {
  for (const base::FieldError& field : error.fields) {
    error.message += "\n  " + field.pointer + ": " + field.detail;
  }
  return error;
}

Result<crypto::Scheme> find_scheme(const SignatureOptions& options) {
  XD_TRY(const inbound::SchemeConfig config, read_config(options.config));
  if (options.scheme.find_first_of("./") == std::string::npos) {
    auto scheme = inbound::preset_scheme(options.scheme, config);
    if (!scheme) return std::unexpected(with_fields(scheme.error()));
    return scheme;
  }
  XD_TRY(std::string text, read_whole(options.scheme));
  XD_TRY(const format::Document document, format::parse_json(std::move(text)));
  auto scheme = inbound::read_scheme(document.root(), config);
  if (!scheme) return std::unexpected(with_fields(scheme.error()));
  return scheme;
}

Result<std::vector<base::Secret>> read_secrets(const SignatureOptions& options) {
  std::vector<base::Secret> secrets;
  if (!options.secret_file.empty()) {
    XD_TRY(const std::string text, read_whole(options.secret_file));
    if (text.starts_with("-----BEGIN")) {
      secrets.emplace_back(text);
      return secrets;
    }
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      if (end > at) secrets.emplace_back(text.substr(at, end - at));
      at = end + 1;
    }
  } else if (const char* text = std::getenv("CROSSDOCK_SIGNATURE_SECRET")) {
    secrets.emplace_back(std::string(text));
  }
  return secrets;
}

Result<base::Time> time_of_check(const SignatureOptions& options) {
  if (options.at.empty()) return base::SystemClock{}.now();
  return base::parse_rfc3339(options.at);
}

Result<inbound::Captured> read_captured(const SignatureOptions& options) {
  XD_TRY(const std::string text, read_whole(options.request));
  return inbound::Captured::parse(text);
}

void print_diagnosis(const inbound::Diagnosis& diagnosis) {
  for (const auto& step : diagnosis.steps) {
    const std::string mark = painted(step.good ? "ok  " : "FAIL", step.good);
    std::printf("%s  %-10s  %s\n", mark.c_str(), step.name.c_str(), step.said.c_str());
  }
  if (!diagnosis.hint.empty()) std::printf("      %-10s  %s\n", "hint", diagnosis.hint.c_str());
}

std::string json_of(const inbound::Diagnosis& diagnosis) {
  std::string text;
  format::JsonWriter json(text);
  json.begin_object().key("passed").value(diagnosis.passed()).key("step").value(name(diagnosis.check.step));
  json.key("steps").begin_array();
  for (const auto& step : diagnosis.steps) {
    json.begin_object().key("name").value(step.name).key("good").value(step.good);
    json.key("said").value(step.said).end_object();
  }
  json.end_array().key("hint").value(diagnosis.hint).key("event_ids").begin_array();
  for (const std::string& id : diagnosis.ids) json.value(id);
  json.end_array().end_object();
  return text;
}

Result<inbound::Diagnosis> verify(const SignatureOptions& options) {
  XD_TRY(const crypto::Scheme scheme, find_scheme(options));
  XD_TRY(const std::vector<base::Secret> secrets, read_secrets(options));
  if (secrets.empty() && scheme.kind != crypto::Scheme::Kind::none) {
    return fail(Code::invalid, "give the secret by --secret-file or CROSSDOCK_SIGNATURE_SECRET");
  }
  XD_TRY(const inbound::Captured captured, read_captured(options));
  XD_TRY(const base::Time now, time_of_check(options));
  return inbound::diagnose(scheme, {.secrets = secrets}, captured,
                           options.url.empty() ? captured.url() : options.url, now);
}

using Headers = std::vector<std::pair<std::string, std::string>>;

Result<Headers> sign(const SignatureOptions& options) {
  XD_TRY(const crypto::Scheme scheme, find_scheme(options));
  XD_TRY(const std::vector<base::Secret> secrets, read_secrets(options));
  XD_TRY(const inbound::Captured captured, read_captured(options));
  XD_TRY(const base::Time now, time_of_check(options));
  std::optional<crypto::PrivateKey> private_key;
  if (!options.private_key_file.empty()) {
    XD_TRY(const std::string pem, read_whole(options.private_key_file));
    XD_TRY(private_key, crypto::PrivateKey::from_pem(pem));
  }
  std::vector<crypto::SchemeKey> keys;
  for (const base::Secret& secret : secrets) {
    XD_TRY(auto key, crypto::SchemeKey::make(scheme, secret.reveal()));
    keys.push_back(std::move(key));
  }
  std::vector<const crypto::SchemeKey*> all;
  for (const crypto::SchemeKey& key : keys) all.push_back(&key);
  const http::Request request = captured.request();
  const inbound::Message message(request, options.url.empty() ? captured.url() : options.url);
  return crypto::sign(scheme, all, message,
                      {.id = options.id, .at = now, .private_key = private_key ? &*private_key : nullptr});
}

}  // namespace

int signature_verify(const SignatureOptions& options) {
  const auto format = choose_format(options.format);
  if (!format) return report(format.error());
  const auto diagnosis = verify(options);
  if (!diagnosis) return report(diagnosis.error());
  if (*format == OutputFormat::table) {
    print_diagnosis(*diagnosis);
  } else {
    std::printf("%s\n", json_of(*diagnosis).c_str());
  }
  return diagnosis->passed() ? 0 : 1;
}

int signature_sign(const SignatureOptions& options) {
  const auto headers = sign(options);
  if (!headers) return report(headers.error());
  for (const auto& [name, value] : *headers) std::printf("%s: %s\n", name.c_str(), value.c_str());
  return 0;
}

int signature_list(const std::string& asked) {
  const auto format = choose_format(asked);
  if (!format) return report(format.error());
  if (*format == OutputFormat::table) {
    std::vector<std::vector<std::string>> rows;
    for (const inbound::Preset& preset : inbound::presets()) {
      rows.push_back({preset.name, preset.title, preset.secret});
    }
    print_table({"scheme", "sender", "secret"}, rows);
    return 0;
  }
  for (const inbound::Preset& preset : inbound::presets()) {
    std::string text;
    format::JsonWriter json(text);
    json.begin_object().key("scheme").value(preset.name).key("title").value(preset.title);
    json.key("secret").value(preset.secret).key("note").value(preset.note).key("config").begin_array();
    for (const std::string& name : preset.config) json.value(name);
    json.end_array().end_object();
    std::printf("%s\n", text.c_str());
  }
  return 0;
}

int signature_show(const std::string& name) {
  const std::string_view document = inbound::preset_document(name);
  if (document.empty()) return report(inbound::preset_scheme(name, {}).error());
  std::fwrite(document.data(), 1, document.size(), stdout);
  return 0;
}

}  // namespace cli
