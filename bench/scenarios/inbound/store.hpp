// What the server's SQLite file says of the webhooks that it received, read from outside.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "hub/ledger.hpp"

struct sqlite3;

namespace bench {

/// What became of all that is stored.
struct Processed {
  std::uint64_t stored = 0;     ///< received events
  std::uint64_t processed = 0;  ///< of them, with the result PROCESSED
  std::uint64_t other = 0;      ///< with another result: FAILED, IGNORED, CONFLICT
  std::uint64_t published = 0;  ///< events that a result names
  std::uint64_t events = 0;     ///< events that came from webhooks; more than published: some came twice
};

/// Opened read-only; the server may be running, and must not have lost its write-ahead log.
class InboundStore {
 public:
  /// The store below the server's data directory. Throws when it cannot be opened.
  explicit InboundStore(const std::filesystem::path& data);

  /// By the endpoints' counters: how many webhooks have been processed until now, one way or another.
  /// Cheap enough to ask beside a load.
  std::uint64_t processed_so_far() const;

  /// Enters each received event into the ledger as received, under the number in the sender's id and for the
  /// endpoint that it is stored with.
  void enter_received(Ledger& ledger) const;
  Processed processed() const;

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::uint64_t count(const char* sql) const;

  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace bench
