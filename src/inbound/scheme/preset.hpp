// The signature schemes of senders that are known: data files in signatures/, compiled into the program.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/embedded.hpp"
#include "inbound/scheme/document.hpp"

namespace inbound {

/// What a scheme is called and what its users are asked for.
struct Preset {
  std::string name{};    ///< "stripe"
  std::string title{};   ///< "Stripe"
  std::string secret{};  ///< what to enter as the secret, for people
  std::string note{};
  std::vector<std::string> config{};  ///< names of settings that it asks for
};

/// All of them by name.
const std::vector<Preset>& presets();

/// The document of one, as JSON; "" where there is none of that name.
std::string_view preset_document(std::string_view name);

/// Error: not_found, naming some that there are; and those of read_scheme().
base::Result<crypto::Scheme> preset_scheme(std::string_view name, const SchemeConfig& config);

std::span<const base::EmbeddedFile> embedded_schemes();

}  // namespace inbound
