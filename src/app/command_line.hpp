// What is said of a command line that names what is not there.
#pragma once

#include <span>
#include <string>

namespace CLI {
class App;
}

namespace app {

/// Of every command that speaks to a hub.
inline constexpr const char* kRemoteExitStatus =
    "\n\nExit status: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed, 5 conflict,\n"
    "6 the hub cannot be reached.";

/// The message for a word that stands where a command should and is none; "" where all words are good.
std::string unknown_command(const CLI::App& program, std::span<const char* const> words);

/// After a line could not be understood: "did you mean --tenant?" for an option that is not there; "" where
/// nothing is near.
std::string near_option(const CLI::App& program);

}  // namespace app
