#include "hub/payload.hpp"

#include <charconv>
#include <stdexcept>

#include "hub/wire.hpp"

namespace bench {

namespace {

// JSON allows no leading zeros, so both numbers start from a base that gives them their full width.
constexpr std::uint64_t kSeqBase = 1'000'000'000;
constexpr std::size_t kSeqDigits = 10;
constexpr std::size_t kTimeDigits = 16;
constexpr std::string_view kSeqMember = "\"seq\":";
constexpr std::string_view kTimeMember = "\"t\":";

constexpr std::string_view kFields =
    R"("order_id":"ORD-2024-0048151","status":"CONFIRMED","currency":"EUR","total":1249.90,"tax":199.58,)"
    R"("discount":12.50,"items":7,"weight_kg":18.25,"priority":"HIGH","express":true,)"
    R"("gift":false,"coupon":null,)"
    R"("customer":{"id":"C-77120","name":"Zoë Ångström","email":"zoe@example.com"},)"
    R"("ship_to":{"street":"12 Harbour Road","city":"Gdańsk","postal_code":"80-001","country":"PL"},)"
    R"("carrier":"DSV","reference":"PO-99120-B","created_by":"shop-frontend","channel":"WEB","note":")";
constexpr std::string_view kPadding = "Leave the parcel with the porter, second door on the left. ";
constexpr std::string_view kEnd = "\"}}";

void write_digits(char* out, std::size_t digits, std::uint64_t value) {
  std::to_chars(out, out + digits, value);
}

std::string make_body(const std::string& event_type, std::size_t body_bytes) {
  std::string body = "{\"type\":\"" + event_type + "\",\"data\":{";
  body.append(kSeqMember).append(kSeqDigits, '1').append(",");
  body.append(kTimeMember).append(kTimeDigits, '1').append(",").append(kFields);
  if (body.size() + kEnd.size() > body_bytes) {
    throw std::runtime_error("--payload must be at least " + std::to_string(body.size() + kEnd.size()) +
                             " bytes");
  }
  while (body.size() + kEnd.size() < body_bytes) {
    body.append(kPadding.substr(0, body_bytes - kEnd.size() - body.size()));
  }
  return body.append(kEnd);
}

}  // namespace

EventRequest::EventRequest(const Route& route, std::uint16_t port, std::size_t body_bytes) {
  const std::string body = make_body(route.event_type, body_bytes);
  text_ = "POST /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
          "\r\nAuthorization: Bearer " + route.api_key +
          "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  body_at_ = text_.size();
  text_ += body;
  seq_at_ = text_.find(kSeqMember, body_at_) + kSeqMember.size();
  time_at_ = text_.find(kTimeMember, body_at_) + kTimeMember.size();
}

std::string_view EventRequest::stamp(std::uint32_t seq, std::int64_t sent_unix_us) {
  write_digits(text_.data() + seq_at_, kSeqDigits, kSeqBase + seq);
  write_digits(text_.data() + time_at_, kTimeDigits, static_cast<std::uint64_t>(sent_unix_us));
  return text_;
}

void EventRequest::append_body(std::string& to, std::uint32_t seq, std::int64_t sent_unix_us) const {
  const std::size_t begin = to.size();
  to.append(text_, body_at_);
  write_digits(to.data() + begin + seq_at_ - body_at_, kSeqDigits, kSeqBase + seq);
  write_digits(to.data() + begin + time_at_ - body_at_, kTimeDigits,
               static_cast<std::uint64_t>(sent_unix_us));
}

std::optional<std::uint64_t> seq_of(std::string_view body) {
  const auto number = number_after(body, kSeqMember);
  if (!number || *number < kSeqBase) return std::nullopt;
  return *number - kSeqBase;
}

}  // namespace bench
