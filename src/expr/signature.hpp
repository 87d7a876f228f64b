// What a function takes: the types of JSONata's signatures, such as <s-nn?:s> ("Function signature syntax").
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <memory_resource>
#include <span>
#include <string_view>

#include "expr/error.hpp"
#include "expr/item.hpp"

namespace expr {

/// The types of values as bits.
using Types = std::uint8_t;
namespace types {
inline constexpr Types kString = 1, kNumber = 2, kBoolean = 4, kNull = 8, kArray = 16, kObject = 32,
                       kFunction = 64, kMissing = 128;
}  // namespace types
Types type_of(Item item);

struct Parameter {
  enum class Count : std::uint8_t { one, optional, many };

  Types types = 0;
  Count count = Count::one;
  bool array = false;    ///< takes an array; another value becomes one
  bool context = false;  ///< where it is missing, the context stands in
  Types elements = 0;    ///< of an array: what all its elements are; 0: anything
};

struct Signature {
  static constexpr std::size_t kParametersMax = 16;

  std::span<const Parameter> parameters{};
  std::string_view text{};

  /// text is the whole signature from < to >, and outlives it. Error: S0401, S0402.
  static std::expected<Signature, Code> parse(std::string_view text, std::pmr::memory_resource& memory);
};

/// What validation made of arguments: which argument each parameter gets.
struct Matching {
  std::array<std::uint16_t, Signature::kParametersMax> taken{};  ///< arguments per parameter
};

/// Fits the arguments to the parameters, from the left, each taking as many as it may. Error: the index of
/// the first argument that cannot be fitted.
std::expected<Matching, std::size_t> match(const Signature& signature, std::span<const Item> arguments);

}  // namespace expr
