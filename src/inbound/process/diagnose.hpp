// Why a request is refused, for whoever set the endpoint up: step by step, and what probably happened to it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "crypto/scheme.hpp"
#include "inbound/process/captured.hpp"

namespace inbound {

/// What a request is verified with: the endpoint's secrets, or keys that its sender shows in public.
struct DiagnosisKeys {
  std::span<const base::Secret> secrets{};
  std::span<const std::shared_ptr<const crypto::SchemeKey>> published{};
};

struct Diagnosis {
  struct Step {
    std::string name{};  ///< "secret", "handshake", "batch", "signature", "event id", "work"
    bool good = true;
    std::string said{};
  };
  std::vector<Step> steps{};
  crypto::Check check{};           ///< of the request, or of the element that fails
  std::string hint{};              ///< what to do; empty where nothing is known
  std::vector<std::string> ids{};  ///< of its events, where it passes

  bool passed() const { return check.passed(); }
};

/// Goes through what is done to a request when it arrives. Where no signature fits, changes are tried that
/// things on the way are known to make: white space taken out, a line end added, another hash, the secret
/// taken for something else; where that would be too much work, the hint says so. url is the one that was
/// given out. Nothing that is said holds a secret or a whole digest. Takes up to some tenths of a second: not
/// for a shard.
Diagnosis diagnose(const crypto::Scheme& scheme, const DiagnosisKeys& with, const Captured& captured,
                   const std::string& url, base::Time now);

}  // namespace inbound
