// The listener's certificate: read from files, read again on demand while connections live.
#pragma once

#include <atomic>
#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "base/result.hpp"

namespace http {

/// Thread-safe. Connections keep the context they began with.
class TlsIdentity {
 public:
  /// PEM files: the certificate chain, and its key. Error: invalid, naming the file and what is wrong.
  static base::Result<std::shared_ptr<TlsIdentity>> load(std::string certificate_file, std::string key_file);

  /// Reads the files again; on an error the old certificate stays in use.
  base::Result<void> reload();

  std::shared_ptr<boost::asio::ssl::context> context() const { return context_.load(); }

 private:
  TlsIdentity(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}

  std::string certificate_file_;
  std::string key_file_;
  std::atomic<std::shared_ptr<boost::asio::ssl::context>> context_;  // set by one shard, read by all
};

}  // namespace http
