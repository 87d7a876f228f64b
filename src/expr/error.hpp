// Why an expression cannot be compiled or evaluated, with JSONata's own codes.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace expr {

/// The codes of JSONata's documentation ("Error codes"): S… the text is no expression, T… a value has the
/// wrong type, D… a value is wrong. U… are limits that the host sets and the language knows nothing of.
// clang-format off
enum class Code : std::uint8_t {
  S0101, S0102, S0103, S0104, S0105, S0106, S0201, S0202, S0203, S0204, S0207, S0208, S0209, S0210, S0211,
  S0212, S0213, S0214, S0215, S0216, S0217, S0301, S0302, S0303, S0401, S0402, S0501, T0410, T0411, T0412,
  T1003, T1005, T1006, T1007, T1008, T1010, T2001, T2002, T2003, T2004, T2006, T2007, T2008, T2009, T2010,
  T2011, T2012, D1001, D1002, D1004, D1009, D1010, D1012, D1013, D2014, D2015, D3001, D3010, D3011, D3012,
  D3020, D3030, D3040, D3050, D3060, D3061, D3070, D3080, D3081, D3082, D3083, D3084, D3085, D3086, D3087,
  D3088, D3089, D3090, D3091, D3092, D3093, D3100, D3110, D3120, D3121, D3130, D3131, D3132, D3133, D3134,
  D3135, D3136, D3137, D3138, D3139, D3140, D3141, U1001, U1002, U1003, U1004,
};
// clang-format on

/// "T2001".
std::string_view name(Code code);

/// A failure. position is where the caret stands: behind the token at fault, in UTF-16 units of the source as
/// JSONata counts (and as a browser underlines). token is what stands there (without quotes), value what was
/// found instead, as JSON; both may be empty.
struct Error {
  Code code = Code::S0201;
  std::uint32_t position = 0;
  std::string token{};
  std::string value{};
  std::string message{};
};

template <class T>
using Result = std::expected<T, Error>;

/// What belongs into a code's message.
struct ErrorParts {
  std::string_view token{};
  std::string_view value{};
  std::string_view detail{};  ///< an index, a type, an underlying reason: what the code's text asks for
};

/// The message of a code: what is wrong and what to do about it.
std::string message_of(Code code, const ErrorParts& parts);

/// How many UTF-16 units the first bytes of a text are.
std::uint32_t utf16_units(std::string_view text);

}  // namespace expr
