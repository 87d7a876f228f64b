// Evaluations take their memory from the arena: once it has its blocks, they allocate nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "expr/program.hpp"
#include "format/json.hpp"

namespace {

std::atomic<std::size_t> allocations{0};

}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace expr {

TEST(Allocation, happens_only_the_first_time) {
  const auto document = format::parse_json(
      R"({"id": 7, "name": " Ann ", "items": [{"k": "a", "n": 2, "p": 1.5}, {"k": "b", "n": 1, "p": 0.1}]})");
  constexpr std::string_view kSources[] = {
      "items[0].p",
      R"({"id": id, "name": $trim(name), "sum": $sum(items.(n * p)), "keys": items.k})",
      "items{k: $sum(n)}",
      "items^(>p).k",
      "$map(items, function($i) { $i.n & 'x' }) ~> $join(',')",
      "items@$i.{'k': $i.k, 'id': %.id}",
      "$reduce([1..100], function($a, $b) { $a + $b })",
      "$ ~> |items|{'total': n * p}, 'p'|",
      "$match(name, /[a-z]+/).match",
      "$distinct($sort(items.n))",
      "$round(items[0].p * 1.005, 2)",
  };
  format::Arena arena(0);
  for (const std::string_view source : kSources) {
    const auto program = Program::compile(std::string(source));
    ASSERT_TRUE(program.has_value()) << source;
    ASSERT_TRUE(evaluate(*program, &document->root(), {}, arena).has_value()) << source;
    const std::size_t before = allocations;
    const auto result = evaluate(*program, &document->root(), {}, arena);
    EXPECT_EQ(allocations - before, 0) << source;
    EXPECT_TRUE(result.has_value() && result->has_value()) << source;
  }
}

}  // namespace expr
