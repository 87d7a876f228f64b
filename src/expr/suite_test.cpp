// The public JSONata test suite, as far as it lies in ../shared/data/jsonata: every case, with its result or
// its code.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "expr/program.hpp"
#include "format/json.hpp"

namespace expr {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kData = CROSSDOCK_SHARED_DATA "/jsonata";

/// Cases that are known to differ, with the reason. At most ten.
struct Exception {
  std::string_view name;
  std::string_view reason;
};
constexpr std::array<Exception, 0> kExceptions{};

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool same(const format::Value& a, const format::Value& b, bool unordered) {
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case format::Value::Kind::null: return true;
    case format::Value::Kind::boolean: return a.boolean() == b.boolean();
    case format::Value::Kind::string: return a.text() == b.text();
    case format::Value::Kind::number: return a.real() == b.real();
    case format::Value::Kind::array:
      if (a.elements().size() != b.elements().size()) return false;
      if (unordered) {
        return std::ranges::is_permutation(a.elements(), b.elements(),
                                           [](const auto& x, const auto& y) { return same(x, y, true); });
      }
      return std::ranges::equal(a.elements(), b.elements(),
                                [](const auto& x, const auto& y) { return same(x, y, false); });
    case format::Value::Kind::object:
      if (a.members().size() != b.members().size()) return false;
      return std::ranges::all_of(a.members(), [&](const format::Member& member) {
        const format::Value* other = b.find(member.key);
        return other != nullptr && same(member.value, *other, unordered);
      });
  }
  return false;
}

std::string spelled(const std::optional<format::Value>& value) {
  if (!value) return "(nothing)";
  std::string out;
  format::JsonWriter(out).value(*value);
  return out;
}

class Suite {
 public:
  /// Empty where the case holds; else what is wrong.
  std::string fault(const format::Value& each, const fs::path& folder) {
    const format::Value* file = each.find("expr-file");
    std::string source(file != nullptr ? read_file(folder / file->text())
                                       : std::string(each.find("expr")->text()));
    const auto program = Program::compile(std::move(source));
    if (!program) return compare_error(each, program.error());
    std::vector<Variable> variables;
    if (const format::Value* bindings = each.find("bindings")) {
      for (const auto& [key, value] : bindings->members()) variables.push_back({key, value});
    }
    Environment environment{.variables = variables};
    environment.eval = true;
    environment.now = base::from_micros(1'700'000'000'000'000);
    environment.limits = {.steps_max = 2'000'000'000,
                          .depth_max = 2'000,
                          .sequence_max = 20'000'000,
                          .memory_bytes_max = std::size_t{1} << 30,
                          .time_max = std::chrono::seconds(60)};
    if (const format::Value* depth = each.find("depth"); depth != nullptr) {
      environment.limits.depth_max =
          static_cast<std::uint32_t>(std::max<std::int64_t>(*depth->integer(), 100));
    }
    const auto result = evaluate(*program, input(each), environment, arena_);
    if (!result) return compare_error(each, result.error());
    if (each.find("undefinedResult") != nullptr)
      return *result ? "gives " + spelled(*result) + ", not nothing" : "";
    const format::Value* expected = each.find("result");
    if (expected == nullptr) return "gives " + spelled(*result) + ", not an error";
    const bool unordered = each.find("unordered") != nullptr;
    if (*result && same(**result, *expected, unordered)) return "";
    return "gives " + spelled(*result) + ", not " + std::string(expected->raw());
  }

 private:
  static std::string compare_error(const format::Value& each, const Error& error) {
    const format::Value* code = each.find("code");
    const format::Value* token = each.find("token");
    const format::Value* whole = each.find("error");
    if (whole != nullptr) {
      code = whole->find("code");
      token = whole->find("token");
      if (const format::Value* message = whole->find("message");
          message != nullptr && message->text() != error.message) {
        return "says " + error.message;
      }
    }
    if (code == nullptr) return "fails with " + std::string(name(error.code)) + ": " + error.message;
    if (code->text() != name(error.code))
      return "fails with " + std::string(name(error.code)) + ", not " + std::string(code->text());
    if (token != nullptr && token->is_string() && token->text() != error.token) {
      return "blames " + error.token + ", not " + std::string(token->text());
    }
    return "";
  }

  const format::Value* input(const format::Value& each) {
    if (const format::Value* data = each.find("data")) return data;
    const format::Value* set = each.find("dataset");
    if (set == nullptr || !set->is_string()) return nullptr;
    const std::string name(set->text());
    auto found = datasets_.find(name);
    if (found == datasets_.end()) {
      auto document = format::parse_json(read_file(fs::path(kData) / "datasets" / (name + ".json")));
      if (!document) return nullptr;
      found = datasets_.emplace(name, std::move(*document)).first;
    }
    return &found->second.root();
  }

  std::map<std::string, format::Document> datasets_;
  format::Arena arena_{std::size_t{1} << 30};
};

}  // namespace

TEST(Suite, every_case_gives_its_result_or_its_code) {
  if (!fs::exists(kData)) GTEST_SKIP() << "0 cases: " << kData << " is absent";
  static_assert(kExceptions.size() <= 10);
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(kData) / "groups")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  Suite suite;
  std::size_t cases = 0;
  std::size_t passed = 0;
  for (const fs::path& file : files) {
    const auto document = format::parse_json(read_file(file));
    if (!document) {
      // Lone surrogates and the like are no JSON here.
      ADD_FAILURE() << file << ": " << document.error().message;
      continue;
    }
    const format::Value& root = document->root();
    const std::span<const format::Value> list = root.is_array() ? root.elements() : std::span(&root, 1);
    for (std::size_t i = 0; i < list.size(); ++i) {
      ++cases;
      const std::string name =
          file.parent_path().filename().string() + "/" + file.filename().string() + "#" + std::to_string(i);
      const std::string fault = suite.fault(list[i], file.parent_path());
      const bool excepted =
          std::ranges::any_of(kExceptions, [&](const Exception& each) { return each.name == name; });
      passed += fault.empty() ? 1 : 0;
      EXPECT_EQ(fault.empty(), !excepted)
          << name << ": " << (list[i].find("expr") ? list[i].find("expr")->text() : "") << "\n  " << fault;
    }
  }
  RecordProperty("cases", static_cast<int>(cases));
  std::cout << passed << " of " << cases << " cases\n";
}

}  // namespace expr
