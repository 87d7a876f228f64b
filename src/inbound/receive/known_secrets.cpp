#include "inbound/receive/known_secrets.hpp"

#include <algorithm>
#include <cstring>

#include "crypto/encoding.hpp"
#include "format/form.hpp"
#include "format/json.hpp"

namespace inbound {

namespace {

constexpr std::size_t kSecretBytesMin = 8;

/// What is the same in the base64 of anything that has the text in it, so many bytes (modulo 3) behind the
/// beginning.
std::string base64_within(std::string_view text, std::size_t behind) {
  const std::string coded = crypto::to_base64(std::string(behind, '\0') + std::string(text));
  const std::size_t first = (behind * 8 + 5) / 6;
  const std::size_t end = (behind + text.size()) * 8 / 6;
  return coded.substr(first, end - first);
}

std::size_t find_in(std::string_view text, std::string_view wanted) {
  // Several times faster than string_view::find().
  const void* at = ::memmem(text.data(), text.size(), wanted.data(), wanted.size());
  return at == nullptr ? std::string_view::npos
                       : static_cast<std::size_t>(static_cast<const char*>(at) - text.data());
}

/// Where the string that begins with the quote at `begin` ends, behind its other quote.
std::size_t end_of_string(std::string_view json, std::size_t begin) {
  std::size_t at = begin + 1;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return std::min(at + 1, json.size());
}

}  // namespace

KnownSecrets::KnownSecrets(const PreparedEndpoint& endpoint) {
  for (const PreparedEndpoint::Key& one : endpoint.keys) {
    const std::string_view secret = one.key.text();
    if (crypto::is_public_text(secret)) continue;
    add(secret);
    const std::size_t colon = secret.find(':');
    if (endpoint.scheme().kind == crypto::Scheme::Kind::basic && colon != std::string_view::npos)
      add(secret.substr(colon + 1));
  }
  std::ranges::sort(forms_, std::ranges::greater{}, &std::string::size);
}

void KnownSecrets::add(std::string_view secret) {
  if (secret.size() < kSecretBytesMin) return;
  const auto add_form = [&](std::string form) {
    if (std::ranges::find(forms_, form) == forms_.end()) forms_.push_back(std::move(form));
  };
  add_form(std::string(secret));
  const std::string quoted = format::json_string(secret);
  add_form(quoted.substr(1, quoted.size() - 2));
  for (std::size_t behind = 0; behind < 3; ++behind) {
    std::string coded = base64_within(secret, behind);
    add_form(coded);
    std::ranges::replace(coded, '+', '-');
    std::ranges::replace(coded, '/', '_');
    add_form(std::move(coded));
  }
}

bool KnownSecrets::stand_plainly_in(std::string_view text) const {
  return std::ranges::any_of(
      forms_, [&](const std::string& form) { return find_in(text, form) != std::string_view::npos; });
}

bool KnownSecrets::stand_in(std::string_view text) const {
  if (forms_.empty() || text.size() < kSecretBytesMin) return false;
  if (stand_plainly_in(text)) return true;
  const bool is_encoded = text.find_first_of("%+") != std::string_view::npos;
  if (is_encoded && stand_plainly_in(format::form_decoded(text))) return true;
  return text.contains('\\') && stand_plainly_in(without_escapes(text));
}

std::string KnownSecrets::without(std::string_view text) const {
  if (!stand_in(text)) return std::string(text);
  std::string hidden = without_plain(text);
  if (stand_in(hidden)) hidden = without_strings(hidden);
  if (stand_in(hidden)) hidden = without_members(hidden);
  return stand_in(hidden) ? std::string(base::kHidden) : hidden;
}

std::string KnownSecrets::without_plain(std::string_view text) const {
  std::string hidden(text);
  for (const std::string& form : forms_) {
    std::string out;
    std::string_view rest = hidden;
    for (std::size_t at = find_in(rest, form); at != std::string_view::npos; at = find_in(rest, form)) {
      out.append(rest.substr(0, at)).append(base::kHidden);
      rest.remove_prefix(at + form.size());
    }
    hidden = out.append(rest);
  }
  return hidden;
}

std::string KnownSecrets::without_strings(std::string_view json) const {
  std::string out;
  std::size_t at = 0;
  while (at < json.size()) {
    const std::size_t begin = std::min(json.find('"', at), json.size());
    out.append(json.substr(at, begin - at));
    if (begin == json.size()) break;
    at = end_of_string(json, begin);
    const std::string_view text = json.substr(begin, at - begin);
    stand_in(text) ? out.append("\"").append(base::kHidden).append("\"") : out.append(text);
  }
  return out;
}

std::string KnownSecrets::without_members(std::string_view form) const {
  std::string out;
  while (!form.empty()) {
    const std::size_t end = std::min(form.find('&'), form.size());
    const std::string_view member = form.substr(0, end);
    const std::size_t value = std::min(member.find('='), member.size());
    const bool hides = stand_in(member);
    hides ? out.append(member.substr(0, value)).append("=").append(base::kHidden) : out.append(member);
    if (end < form.size()) out += '&';
    form.remove_prefix(std::min(end + 1, form.size()));
  }
  return out;
}

std::string without_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
    } else if (const auto code = text[i + 1] == 'u' ? crypto::from_hex(text.substr(i + 2, 4)) : std::nullopt;
               code && code->size() == 2 && code->front() == 0) {
      out += code->back();
      i += 5;
    } else {
      out += text[++i];
    }
  }
  return out;
}

}  // namespace inbound
