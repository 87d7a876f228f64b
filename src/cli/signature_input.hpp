// What the commands about signatures read: a scheme, secrets, a request, a time.
#pragma once

#include "base/secret.hpp"
#include "cli/signature.hpp"
#include "inbound/process/captured.hpp"
#include "inbound/scheme/document.hpp"

namespace cli {

/// A file, or "-": standard input. Error: invalid.
base::Result<std::string> read_whole(const std::string& name);
/// The preset, or the document in a file. Errors: not_found, invalid, with a line for each mistake.
base::Result<crypto::Scheme> find_scheme(const SignatureOptions& options);
/// None where none are given.
base::Result<std::vector<base::Secret>> read_secrets(const SignatureOptions& options);
base::Result<inbound::Captured> read_captured(const SignatureOptions& options);
base::Result<base::Time> time_of_check(const SignatureOptions& options);

}  // namespace cli
