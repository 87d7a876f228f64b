// The body of a request as Beast's parser fills it.
#pragma once

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>
#include <cstdint>
#include <limits>
#include <string>

namespace http {

/// Takes memory as bytes arrive, at most twice what it has of them: Beast's own string body reserves what a
/// peer declares as soon as the first byte is there.
struct RequestBody {
  using value_type = std::string;

  class reader {
   public:
    template <bool is_request, class Fields>
    reader(boost::beast::http::header<is_request, Fields>&, std::string& body) : body_(body) {}

    void init(const boost::optional<std::uint64_t>& declared, boost::system::error_code& error) {
      error = {};
      if (declared) declared_ = *declared;
    }

    std::size_t put(const boost::asio::const_buffer& piece, boost::system::error_code& error) {
      error = {};
      make_room(body_.size() + piece.size());
      body_.append(static_cast<const char*>(piece.data()), piece.size());
      return piece.size();
    }

    void finish(boost::system::error_code& error) { error = {}; }

   private:
    void make_room(std::size_t bytes) {
      if (bytes <= body_.capacity()) return;
      const std::uint64_t larger = std::min<std::uint64_t>(2 * body_.capacity(), declared_);
      std::string moved;
      moved.reserve(std::max<std::size_t>(bytes, larger));
      moved.append(body_);
      body_.swap(moved);
    }

    std::string& body_;
    std::uint64_t declared_ = std::numeric_limits<std::uint64_t>::max();
  };
};

}  // namespace http
