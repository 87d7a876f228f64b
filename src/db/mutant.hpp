// Faults that the crash test must be able to find, compiled in by the preset `mutants` only.
#pragma once

#include <cstdlib>
#include <string_view>

namespace db {

/// True when the environment asks for this fault (CROSSDOCK_MUTANT=name) and the build has faults at all.
inline bool mutant([[maybe_unused]] std::string_view name) {
#ifdef CROSSDOCK_MUTANTS
  const char* wanted = std::getenv("CROSSDOCK_MUTANT");
  return wanted != nullptr && name == wanted;
#else
  return false;
#endif
}

}  // namespace db
