#include "format/multipart.hpp"

#include "base/text.hpp"
#include "format/media_type.hpp"

namespace format {

namespace {

using base::Code;
using base::fail;
using base::Result;

constexpr std::size_t kPartsMax = 1000;
constexpr std::size_t kHeadBytesMax = 8 << 10;
constexpr std::size_t kBoundaryBytesMax = 70;  // RFC 2046, 5.1.1

std::unexpected<base::Error> broken(std::string_view what, std::size_t at) {
  return fail(Code::invalid,
              "the body is no multipart/form-data: " + std::string(what) + " at byte " + std::to_string(at));
}

bool names_header(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return false;
  return std::ranges::equal(line.substr(0, name.size()), name,
                            [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

/// Of the headers of a part, one line each.
void read_line(std::string_view line, Part& part, bool& named) {
  constexpr std::string_view kDisposition = "content-disposition";
  constexpr std::string_view kType = "content-type";
  if (names_header(line, kType)) part.type = base::trimmed(line.substr(kType.size() + 1));
  if (!names_header(line, kDisposition)) return;
  const MediaType said = MediaType::parse(line.substr(kDisposition.size() + 1));
  for (const auto& [name, value] : said.parameters) {
    if (name == "name") {
      part.name = value;
      named = true;
    }
    if (name == "filename") part.file_name = value;
  }
}

/// Goes through a body part by part.
class Reader {
 public:
  Reader(std::string_view body, std::string_view boundary)
      : body_(body), delimiter_("\r\n--" + std::string(boundary)) {}

  Result<std::vector<Part>> read() {
    // The first delimiter needs no line end before it.
    const std::string_view first = std::string_view(delimiter_).substr(2);
    if (body_.starts_with(first)) {
      at_ = first.size();
    } else if (!skip_to_delimiter()) {
      return broken("its boundary does not stand in it, looked for from", 0);
    }
    std::vector<Part> parts;
    while (!body_.substr(at_).starts_with("--")) {
      if (parts.size() == kPartsMax) return broken("more than 1,000 parts", at_);
      XD_TRY(Part part, read_part());
      parts.push_back(std::move(part));
    }
    return parts;
  }

 private:
  /// To behind the next one; a line that goes on behind it is content.
  bool skip_to_delimiter() {
    for (std::size_t found = body_.find(delimiter_, at_); found != std::string_view::npos;
         found = body_.find(delimiter_, found + 1)) {
      at_ = found + delimiter_.size();
      std::string_view rest = body_.substr(at_);
      if (rest.starts_with("--")) return true;
      rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
      if (rest.starts_with("\r\n")) return true;
    }
    return false;
  }

  /// From behind a delimiter to behind the next one.
  Result<Part> read_part() {
    const std::size_t line_end = body_.find("\r\n", at_);
    if (line_end == std::string_view::npos || !base::trimmed(body_.substr(at_, line_end - at_)).empty())
      return broken("the first boundary does not end its line", at_);
    Part part;
    bool named = false;
    const std::size_t head = line_end + 2;
    for (at_ = head;;) {
      const std::size_t end = body_.find("\r\n", at_);
      if (end == std::string_view::npos) return broken("a part is cut off", at_);
      if (end - head > kHeadBytesMax) return broken("a part has more than 8 KiB of headers", head);
      const std::string_view line = body_.substr(at_, end - at_);
      at_ = end + 2;
      if (line.empty()) break;
      read_line(line, part, named);
    }
    if (!named) return broken("a part has no name", head);
    // An empty content has but the line end before the delimiter, which is that of the empty line.
    const std::size_t content = at_;
    at_ -= 2;
    if (!skip_to_delimiter()) return broken("a part is cut off", content);
    const std::size_t end = at_ - delimiter_.size();
    if (end > content) part.content = body_.substr(content, end - content);
    return part;
  }

  std::string_view body_;
  std::string delimiter_;
  std::size_t at_ = 0;
};

}  // namespace

base::Result<std::vector<Part>> parse_multipart(std::string_view body, std::string_view boundary) {
  if (boundary.empty() || boundary.size() > kBoundaryBytesMax)
    return fail(Code::invalid, "the Content-Type of a multipart body needs a boundary of 1 to 70 bytes");
  return Reader(body, boundary).read();
}

}  // namespace format
