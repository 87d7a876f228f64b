#include <cstdio>

#include "cli/commands.hpp"
#include "cli/output.hpp"
#include "cli/signature_input.hpp"
#include "inbound/process/diagnose.hpp"
#include "inbound/scheme/preset.hpp"

namespace cli {

namespace {

using base::Code;
using base::fail;
using base::Result;

void print_diagnosis(const inbound::Diagnosis& diagnosis) {
  for (const auto& step : diagnosis.steps) {
    // Without an id of its own a request passes as well.
    const bool note = !step.good && step.name == "event id";
    const std::string mark = note ? "note" : painted(step.good ? "ok  " : "FAIL", step.good);
    std::printf("%s  %-10s  %s\n", mark.c_str(), step.name.c_str(), step.said.c_str());
  }
  if (!diagnosis.hint.empty()) std::printf("      %-10s  %s\n", "hint", diagnosis.hint.c_str());
  const bool passed = diagnosis.passed();
  const std::string why = passed ? "" : ": " + std::string(name(diagnosis.check.step));
  std::printf("%s%s\n", painted(passed ? "passed" : "refused", passed).c_str(), why.c_str());
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
