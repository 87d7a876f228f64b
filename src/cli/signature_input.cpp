#include "cli/signature_input.hpp"

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include "format/json.hpp"
#include "inbound/scheme/preset.hpp"

namespace cli {

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

namespace {

Result<inbound::SchemeConfig> read_config(const std::vector<std::string>& pairs) {
  inbound::SchemeConfig config;
  for (const std::string& pair : pairs) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos) return fail(Code::invalid, "--config is NAME=VALUE");
    config[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return config;
}

/// The fields of an error go to standard error, a line each; what an endpoint has in signature_config is
/// given here by --config.
base::Error with_fields(base::Error error) {
  for (const base::FieldError& field : error.fields) {
    error.message += "\n  " + field.pointer + ": " + field.detail;
    const std::size_t open = field.detail.find('\'');
    const std::size_t close = field.detail.find('\'', open + 1);
    if (field.detail.ends_with("in signature_config") && close != std::string::npos)
      error.message += " (here --config " + field.detail.substr(open + 1, close - open - 1) + "=…)";
  }
  return error;
}

}  // namespace

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
  if (auto checked = inbound::check_patterns(*scheme); !checked)
    return std::unexpected(with_fields(checked.error()));
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

}  // namespace cli
