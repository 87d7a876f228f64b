// A request that came in, as signature schemes and recipes look at it; and the elements of a batch.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "crypto/scheme.hpp"
#include "format/json.hpp"
#include "format/media_type.hpp"
#include "format/multipart.hpp"
#include "format/xml.hpp"
#include "http/message.hpp"

namespace inbound {

inline constexpr std::size_t kBatchElementsMax = 1000;

/// Refers to the request, which outlives it. The body is parsed when somebody asks for a place in it, and
/// then once. Lives on one thread.
class Message final : public crypto::RequestView {
 public:
  /// url: the one that was given out for this endpoint, with the query as it came.
  Message(const http::Request& request, std::string url)
      : Message(request, std::move(url), crypto::Work::bytes_max_of(request.body.size())) {}
  /// work_bytes_max: as of crypto::Work.
  Message(const http::Request& request, std::string url, std::size_t work_bytes_max)
      : request_(request), url_(std::move(url)), work_(work_bytes_max) {}

  std::string_view method() const override { return request_.method; }
  std::string_view url() const override { return url_; }
  std::string_view path() const override { return request_.path; }
  std::string_view query() const override { return request_.query; }
  std::string_view body() const override { return request_.body; }
  std::vector<std::string> find(const crypto::Location& location) const override;
  const Fields& form() const override;
  std::vector<std::string> find_in_json(std::string_view json, std::string_view member) const override;
  crypto::Work& work() const override { return work_; }

  /// The body as JSON; nullptr where it is none.
  const format::Value* json() const;
  /// Why it is none; only then.
  const base::Error& json_error() const;
  /// The body as XML; nullptr where it is none.
  const format::Xml* xml() const;
  format::MediaType type() const { return format::MediaType::parse(request_.header("content-type")); }
  bool is_multipart() const { return type().type == "multipart/form-data"; }
  /// Of a body that is_multipart(); they refer to it. Error: invalid.
  const base::Result<std::vector<format::Part>>& parts() const;

 private:
  Fields read_form() const;
  std::vector<std::string> in_xml(std::string_view path) const;
  std::vector<std::string> look_for(const crypto::Location& location) const;

  const http::Request& request_;
  std::string url_;
  mutable std::optional<base::Result<format::Document>> json_;
  mutable std::optional<base::Result<format::Xml>> xml_;
  mutable std::optional<base::Result<std::vector<format::Part>>> parts_;
  mutable std::optional<Fields> form_;
  mutable std::map<std::string, std::vector<std::string>, std::less<>> found_;  // by the place's text
  mutable crypto::Work work_;
};

/// One element of a batch: everything of the whole, but json: places are the element's own.
class Element final : public crypto::RequestView {
 public:
  Element(const Message& whole, const format::Value& value) : whole_(whole), value_(value) {}

  std::string_view method() const override { return whole_.method(); }
  std::string_view url() const override { return whole_.url(); }
  std::string_view path() const override { return whole_.path(); }
  std::string_view query() const override { return whole_.query(); }
  std::string_view body() const override { return whole_.body(); }
  std::vector<std::string> find(const crypto::Location& location) const override;
  const Fields& form() const override { return whole_.form(); }
  std::vector<std::string> find_in_json(std::string_view json, std::string_view member) const override {
    return whole_.find_in_json(json, member);
  }
  crypto::Work& work() const override { return whole_.work(); }

  const format::Value& value() const { return value_; }

 private:
  const Message& whole_;
  format::Value value_;
};

/// The elements of the batch that the scheme says the body is. Errors: invalid, where there is no such list;
/// too_large, where it has more than kBatchElementsMax.
base::Result<std::vector<Element>> elements_of(const crypto::Scheme& scheme, const Message& message);

/// Whether the request is its sender's: by its signature, or by that of each element, of which the first that
/// fails is told.
crypto::Check verify(const crypto::Scheme& scheme, std::span<const crypto::SchemeKey* const> keys,
                     const Message& message, base::Time now);

/// The value at "a.b.0.c" ("$" or "": the root; "$.a" is "a"); nullptr where there is none.
const format::Value* value_at(const format::Value& root, std::string_view path);

/// A string's characters, another value's JSON text; nothing for null.
std::optional<std::string> text_of(const format::Value& value);

}  // namespace inbound
