// What comes out of an evaluation: the text of a value, and the value itself.
#include <cmath>
#include <string>

#include "expr/evaluation.hpp"
#include "expr/text_builder.hpp"
#include "format/json.hpp"
#include "format/value_factory.hpp"

namespace expr {

namespace {

/// An integer without exponent, as written: an identifier of any length stays what it is in a text.
bool is_integer_text(std::string_view text) {
  return text.find_first_of(".eE") == std::string_view::npos && text != "-0";
}

void write_string(TextBuilder& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out.append('"');
  for (const char c : text) {
    switch (c) {
      case '"': out.append("\\\""); break;
      case '\\': out.append("\\\\"); break;
      case '\b': out.append("\\b"); break;
      case '\f': out.append("\\f"); break;
      case '\n': out.append("\\n"); break;
      case '\r': out.append("\\r"); break;
      case '\t': out.append("\\t"); break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          const auto unit = static_cast<unsigned char>(c);
          out.append("\\u00").append(kHex[unit >> 4]).append(kHex[unit & 15]);
        } else {
          out.append(c);
        }
    }
  }
  out.append('"');
}

/// JSON as JSON.stringify writes it, of numbers with 15 digits.
class Writer {
 public:
  Writer(Evaluation& evaluation, TextBuilder& out, bool pretty)
      : evaluation_(evaluation), out_(out), pretty_(pretty) {}

  void write(Item item, std::size_t depth) {
    if (!evaluation_.charge(1)) return;
    switch (item.kind()) {
      case Item::Kind::boolean: out_.append(item.boolean() ? "true" : "false"); break;
      case Item::Kind::number:
        out_.append(std::isfinite(item.number()) ? evaluation_.number_text(item) : "null");
        break;
      case Item::Kind::string: write_string(out_, item.text()); break;
      case Item::Kind::array: write_array(item, depth); break;
      case Item::Kind::object: write_object(item, depth); break;
      case Item::Kind::function: out_.append("\"\""); break;
      default: out_.append("null"); break;
    }
  }

 private:
  void write_array(Item item, std::size_t depth) {
    const Elements elements(item);
    if (elements.size() == 0) {
      out_.append("[]");
      return;
    }
    for (std::size_t i = 0; i < elements.size() && !evaluation_.failed(); ++i) {
      out_.append(i == 0 ? '[' : ',');
      new_line(depth + 1);
      write(elements[i], depth + 1);
    }
    new_line(depth);
    out_.append(']');
  }

  void write_object(Item item, std::size_t depth) {
    const Members members(item);
    bool any = false;
    for (std::size_t i = 0; i < members.size() && !evaluation_.failed(); ++i) {
      if (members[i].value.is_undefined()) continue;
      out_.append(any ? ',' : '{');
      any = true;
      new_line(depth + 1);
      write_string(out_, members[i].key);
      out_.append(pretty_ ? ": " : ":");
      write(members[i].value, depth + 1);
    }
    if (any) {
      new_line(depth);
      out_.append('}');
    } else {
      out_.append("{}");
    }
  }

  void new_line(std::size_t depth) {
    if (!pretty_) return;
    out_.append('\n').append_repeated("  ", depth);
  }

  Evaluation& evaluation_;
  TextBuilder& out_;
  bool pretty_;
};

}  // namespace

std::string_view Evaluation::number_text(Item number) {
  if (const format::Value* input = number.input(); input != nullptr && is_integer_text(input->text())) {
    return input->text();
  }
  NumberText room;
  return keep(write_number(room, to_15_digits(number.number())));
}

Item Evaluation::to_text(Item item, bool pretty) {
  switch (item.kind()) {
    case Item::Kind::undefined: return {};
    case Item::Kind::string: return item;
    case Item::Kind::function: return Item::of("");
    case Item::Kind::boolean: return Item::of(item.boolean() ? "true" : "false");
    case Item::Kind::null: return Item::of("null");
    case Item::Kind::number:
      if (!std::isfinite(item.number())) return fail(Code::D3001, item);
      return Item::of(number_text(item));
    default: break;
  }
  if (const Array* outer = item.array(); outer != nullptr && outer->outer) item = outer->items[0];
  TextBuilder out(*this);
  Writer(*this, out, pretty).write(item, 0);
  return failed() ? Item::failure() : Item::of(out.text());
}

namespace {

/// Makes values of what was made on the way; what is a part of the input is only referred to.
class Copier {
 public:
  explicit Copier(Evaluation& evaluation) : evaluation_(evaluation) {}

  format::Value value(Item item) {
    using format::ValueFactory;
    bytes_ += 4;
    switch (item.kind()) {
      case Item::Kind::boolean: return ValueFactory::boolean(item.boolean());
      case Item::Kind::number: return number(item);
      case Item::Kind::string: bytes_ += item.text().size(); return ValueFactory::string(item.text());
      case Item::Kind::array: return array(item);
      case Item::Kind::object: return object(item);
      default: return ValueFactory::null();
    }
  }

  std::size_t bytes() const { return bytes_; }

 private:
  format::Value number(Item item) {
    if (item.input() != nullptr) {
      bytes_ += item.input()->text().size();
      return *item.input();
    }
    if (!std::isfinite(item.number())) return format::ValueFactory::null();  // as JSON.stringify has it
    NumberText room;
    const std::string_view text = write_number(room, item.number());
    bytes_ += text.size();
    return format::ValueFactory::number(evaluation_.keep(text));
  }

  format::Value array(Item item) {
    if (item.input() != nullptr) {
      bytes_ += item.input()->raw().size();
      return *item.input();
    }
    const Elements elements(item);
    auto* const values = evaluation_.many<format::Value>(elements.size());
    if (values == nullptr) return {};
    std::size_t size = 0;
    for (; size < elements.size() && good(); ++size)
      ::new (&values[size]) format::Value(value(elements[size]));
    return format::ValueFactory::array({values, size});
  }

  format::Value object(Item item) {
    if (item.input() != nullptr) {
      bytes_ += item.input()->raw().size();
      return *item.input();
    }
    const Members members(item);
    auto* const made = evaluation_.many<format::Member>(members.size());
    if (made == nullptr) return {};
    std::size_t size = 0;
    for (std::size_t i = 0; i < members.size() && good(); ++i) {
      const auto [key, part] = members[i];
      if (part.is_undefined() || part.is_function()) continue;
      bytes_ += key.size();
      ::new (&made[size++]) format::Member{key, value(part)};
    }
    return format::ValueFactory::object({made, size});
  }

  bool good() const {
    return !evaluation_.failed() && !evaluation_.arena().exhausted() &&
           bytes_ <= evaluation_.environment().limits.output_bytes_max;
  }

  Evaluation& evaluation_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::optional<format::Value> Evaluation::to_value(Item item) {
  if (item.is_undefined() || item.is_function()) return std::nullopt;
  if (const Array* outer = item.array(); outer != nullptr && outer->outer) item = outer->items[0];
  Copier result(*this);
  const format::Value value = result.value(item);
  if (result.bytes() > environment_.limits.output_bytes_max) {
    fail(Code::U1004, Item::of(static_cast<double>(environment_.limits.output_bytes_max)));
  }
  if (arena_.exhausted()) out_of_memory();
  return value;
}

}  // namespace expr
