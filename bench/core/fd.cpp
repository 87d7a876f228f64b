#include "core/fd.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace bench {

void Fd::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void throw_errno(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace bench
