// crossdock signature: verify, sign, list and show schemes without a hub.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cli {

struct SignatureOptions {
  std::string scheme{};               ///< name of a preset, or a file with a document
  std::string request = "-";          ///< file with the text of a request; "-": standard input
  std::string url{};                  ///< that was given out; empty: made of the request
  std::string secret_file{};          ///< a secret a line; empty: CROSSDOCK_SIGNATURE_SECRET
  std::string private_key_file{};     ///< of sign: PEM
  std::vector<std::string> config{};  ///< NAME=VALUE
  std::string at{};                   ///< the time of the check, RFC 3339; empty: now
  std::string id{};                   ///< of sign: the event's id
  std::string format{};               ///< table or json
};

/// Says step by step whether a captured request passes; 1 when it does not.
int signature_verify(const SignatureOptions& options);
/// Prints the headers that the sender adds.
int signature_sign(const SignatureOptions& options);
int signature_list(const std::string& format);
/// Prints the document of a preset.
int signature_show(const std::string& name);

}  // namespace cli
