#include "base/secret.hpp"

#include <openssl/crypto.h>

namespace base {

void Secret::wipe(std::string& value) {
  value.resize(value.capacity());
  if (!value.empty()) OPENSSL_cleanse(value.data(), value.size());
  value.clear();
}

}  // namespace base
