#include "app/command_line.hpp"

#include <CLI/CLI.hpp>

#include "cli/near_name.hpp"

namespace app {

std::string unknown_command(const CLI::App& program, std::span<const char* const> words) {
  const CLI::App* at = &program;
  std::string path = "crossdock";
  for (const std::string word : words) {
    const auto commands = at->get_subcommands([](const CLI::App*) { return true; });
    if (commands.empty() || word.empty() || word.starts_with('-')) return "";
    std::vector<std::string> names;
    for (const CLI::App* command : commands) names.push_back(command->get_name());
    const auto found = std::ranges::find(names, word);
    if (found == names.end()) {
      const std::string near = cli::near_name(word, names);
      return path + " has no command '" + word.substr(0, 60) + "'" +
             (near.empty() ? "" : "; did you mean '" + near + "'?") + "\nThose there are: " + path +
             " --help";
    }
    at = commands[static_cast<std::size_t>(found - names.begin())];
    path += " " + word;
  }
  return "";
}

std::string near_option(const CLI::App& program) {
  const CLI::App* at = &program;
  while (!at->get_subcommands().empty()) at = at->get_subcommands().front();
  std::vector<std::string> names;
  for (const CLI::Option* option : at->get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  for (const std::string& word : program.remaining(/*recurse=*/true)) {
    if (!word.starts_with("--")) continue;
    const std::string near = cli::near_name(word.substr(0, word.find('=')), names);
    if (!near.empty()) return "did you mean " + near + "?";
  }
  return "";
}

}  // namespace app
