// Any first line as an expression and any bytes as its input: it compiles or says why not; it ends within its
// limits, in a result that can be written and read back or in an error that says what is wrong; and it does
// so twice.
#include <string>

#include "base/assert.hpp"
#include "expr/program.hpp"
#include "format/json.hpp"

namespace {

std::string outcome(const expr::Program& program, const format::Value* input, format::Arena& arena) {
  expr::Environment environment;
  environment.eval = true;
  environment.limits.steps_max = 20'000;
  environment.limits.time_max = std::chrono::seconds(10);  // steps end it, however slow the machine
  const auto result = expr::evaluate(program, input, environment, arena);
  if (!result) {
    XD_ASSERT(result.error().position <= 2 * program.source().size());
    return std::string(expr::name(result.error().code)) + result.error().message;
  }
  if (!*result) return "nothing";
  std::string out;
  format::JsonWriter(out).value(**result);
  return out;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const auto program = expr::Program::compile(std::string(text.substr(0, end)));
  if (!program) {
    // In UTF-16 units, of which a byte that belongs to no character may count as two.
    XD_ASSERT(!program.error().message.empty() && program.error().position <= 2 * end);
    return 0;
  }
  const auto document = format::parse_json(std::string(end < text.size() ? text.substr(end + 1) : ""));
  const format::Value* input = document ? &document->root() : nullptr;
  static format::Arena arena(0);
  const std::string first = outcome(*program, input, arena);
  XD_ASSERT(outcome(*program, input, arena) == first);
  return 0;
}
