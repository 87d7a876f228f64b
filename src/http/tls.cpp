#include "http/tls.hpp"

#include <boost/asio/ssl/impl/src.hpp>

namespace http {

namespace {

namespace ssl = boost::asio::ssl;
using base::Code;
using base::fail;
using base::Result;

Result<std::shared_ptr<ssl::context>> make_context(const std::string& certificate, const std::string& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 |
                       ssl::context::no_compression);
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate, error);
  if (error)
    return fail(Code::invalid, "cannot use the certificate file " + certificate + ": " + error.message());
  context->use_private_key_file(key, ssl::context::pem, error);
  const bool mismatch =
      error.category() == boost::asio::error::get_ssl_category() &&
      ERR_GET_REASON(static_cast<unsigned long>(error.value())) == X509_R_KEY_VALUES_MISMATCH;
  if (mismatch || (!error && SSL_CTX_check_private_key(context->native_handle()) != 1)) {
    return fail(Code::invalid, "the key in " + key + " does not belong to the certificate in " + certificate);
  }
  if (error) return fail(Code::invalid, "cannot use the key file " + key + ": " + error.message());
  return context;
}

}  // namespace

Result<std::shared_ptr<TlsIdentity>> TlsIdentity::load(std::string certificate_file, std::string key_file) {
  std::shared_ptr<TlsIdentity> identity(new TlsIdentity(std::move(certificate_file), std::move(key_file)));
  XD_DO(identity->reload());
  return identity;
}

Result<void> TlsIdentity::reload() {
  XD_TRY(auto context, make_context(certificate_file_, key_file_));
  context_ = std::move(context);
  return {};
}

}  // namespace http
