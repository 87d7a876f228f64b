// Certificates for one test run: a key and a self-signed X.509 certificate that a test peer shows.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>

namespace testing {

struct Certificate {
  std::shared_ptr<EVP_PKEY> key;
  std::shared_ptr<X509> x509;
  std::string pem;      ///< of the certificate alone
  std::string key_pem;  ///< of the key alone
};

/// For one subjectAltName ("DNS:example.com", "IP:127.0.0.1"), P-256, valid for a day, or until yesterday.
Certificate make_certificate(const std::string& alternative_name, bool expired);

/// Any certificate in PEM.
std::string to_pem(X509* certificate);

}  // namespace testing
