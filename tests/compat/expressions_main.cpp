// Evaluates expressions for a comparison with another implementation: one JSON object on each line of the
// standard input, {"expr": …, "data": …}, and one on each line of the output, {"result": …}, {} for nothing,
// or {"code": …}.
#include <iostream>
#include <string>

#include "expr/program.hpp"
#include "format/json.hpp"

namespace {

std::string answer(const format::Value& question, format::Arena& arena) {
  std::string out;
  format::JsonWriter json(out);
  json.begin_object();
  const auto program = expr::Program::compile(std::string(question.find("expr")->text()));
  if (!program) {
    json.key("code").value(expr::name(program.error().code)).end_object();
    return out;
  }
  expr::Environment environment;
  environment.now = base::from_micros(1'795'366'080'123'000);
  environment.limits.time_max = std::chrono::seconds(10);  // steps end it, however slow the machine
  const auto result = expr::evaluate(*program, question.find("data"), environment, arena);
  if (!result) {
    json.key("code").value(expr::name(result.error().code));
    json.key("message").value(result.error().message);
  } else if (*result) {
    json.key("result").value(**result);
  }
  json.end_object();
  return out;
}

}  // namespace

int main() {
  format::Arena arena(0);
  for (std::string line; std::getline(std::cin, line);) {
    const auto question = format::parse_json(std::move(line));
    if (!question) {
      std::cerr << question.error().message << '\n';
      return 1;
    }
    std::cout << answer(question->root(), arena) << '\n' << std::flush;
  }
  return 0;
}
