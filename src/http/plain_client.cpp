#include "http/plain_client.hpp"

#include <curl/curl.h>

#include <csignal>
#include <cstdlib>

#include "base/assert.hpp"
#include "base/clock.hpp"
#include "base/text.hpp"
#include "http/message.hpp"
#include "http/target_url.hpp"

namespace http {

namespace {

using base::Code;
using base::fail;

constexpr std::size_t kBodyBytesMax = 64 << 20;
constexpr long kConnectTimeoutMs = 5000;

struct Lines {
  explicit Lines(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) list = curl_slist_append(list, text.c_str());
    list = curl_slist_append(list, "Expect:");
  }
  ~Lines() { curl_slist_free_all(list); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  curl_slist* list = nullptr;
};

}  // namespace

std::string_view PlainResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return {};
}

struct PlainClient::Impl {
  Impl(const std::atomic<bool>& flag, std::string authorities)
      : stop(flag), easy(curl_easy_init()), ca_file(std::move(authorities)) {
    XD_ASSERT(easy != nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    const char* direct = std::getenv("no_proxy");
    no_proxy = std::string(direct != nullptr ? direct : "") + ",localhost,127.0.0.1,::1";
  }
  ~Impl() { curl_easy_cleanup(easy); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void set_up(const PlainRequest& asked, const Lines& lines);

  static std::size_t on_header(char* bytes, std::size_t, std::size_t size, void* self) noexcept {
    static_cast<Impl*>(self)->take_header(std::string_view(bytes, size));
    return size;
  }
  static std::size_t on_body(char* bytes, std::size_t, std::size_t size, void* self) noexcept {
    return static_cast<Impl*>(self)->take_body(std::string_view(bytes, size)) ? size : 0;
  }
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
    return static_cast<Impl*>(self)->goes_on() ? 0 : 1;
  }

  void take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) response.headers.clear();  // of an interim answer
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    std::string name = base::lower_ascii(line.substr(0, colon));
    line.remove_prefix(colon + 1);
    const std::size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
    const std::size_t end = line.find_last_not_of(" \t\r\n");
    const bool empty = end == std::string_view::npos || end < begin;
    response.headers.emplace_back(std::move(name), empty ? "" : line.substr(begin, end - begin + 1));
  }

  bool take_body(std::string_view bytes) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (sink != nullptr && *sink && status >= 200 && status < 300) {
      const bool more = (*sink)(bytes) && !stop;
      heard = base::steady_now();
      cancelled = !more;
      return more;
    }
    heard = base::steady_now();
    too_large = response.body.size() + bytes.size() > kBodyBytesMax;
    if (!too_large) response.body.append(bytes);
    return !too_large;
  }

  bool goes_on() {
    cancelled = cancelled || stop;
    silent = silence_max.count() > 0 && base::steady_now() - heard > silence_max;
    return !cancelled && !silent;
  }

  const std::atomic<bool>& stop;
  CURL* easy;
  std::string ca_file;
  std::string no_proxy;
  PlainResponse response;
  const Sink* sink = nullptr;
  base::Steady heard{};
  std::chrono::milliseconds silence_max{};
  bool cancelled = false;
  bool silent = false;
  bool too_large = false;
};

void PlainClient::Impl::set_up(const PlainRequest& asked, const Lines& lines) {
  curl_easy_reset(easy);  // the connection stays
  curl_easy_setopt(easy, CURLOPT_URL, ascii_url(asked.url).value_or(asked.url).c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
  if (!ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file.c_str());
  curl_easy_setopt(easy, CURLOPT_NOPROXY, no_proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, asked.method.c_str());
  if (!asked.body.empty() || asked.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(asked.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, asked.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines.list);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectTimeoutMs);
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(asked.total_timeout.count()));
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Impl::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Impl::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Impl::on_progress);
  curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
  curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
}

PlainClient::PlainClient(const std::atomic<bool>& stop, std::string ca_file)
    : impl_(std::make_unique<Impl>(stop, std::move(ca_file))) {}
PlainClient::~PlainClient() = default;

base::Result<PlainResponse> PlainClient::send(const PlainRequest& request, const Sink& sink) {
  Impl& impl = *impl_;
  const Lines lines(request.headers);
  impl.set_up(request, lines);
  impl.response = {};
  impl.sink = &sink;
  impl.silence_max = request.silence_max;
  impl.cancelled = impl.silent = impl.too_large = false;
  const base::Steady begun = base::steady_now();
  impl.heard = begun;
  const CURLcode code = curl_easy_perform(impl.easy);
  impl.response.took = std::chrono::duration_cast<std::chrono::milliseconds>(base::steady_now() - begun);
  if (impl.cancelled) return fail(Code::cancelled, "stopped");
  if (impl.silent) return fail(Code::unavailable, "nothing was heard for too long");
  if (impl.too_large) return fail(Code::too_large, "the answer exceeds 64 MiB");
  if (code == CURLE_PEER_FAILED_VERIFICATION) {
    return fail(
        Code::unavailable,
        "its certificate is from no authority that is trusted here; name a file with its authority by "
        "--ca-file, or CROSSDOCK_CA_FILE");
  }
  if (code != CURLE_OK) return fail(Code::unavailable, curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(impl.easy, CURLINFO_RESPONSE_CODE, &status);
  impl.response.status = static_cast<int>(status);
  return std::move(impl.response);
}

}  // namespace http
