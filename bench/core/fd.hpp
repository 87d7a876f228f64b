// A descriptor of the operating system, and what it says when it refuses one.
#pragma once

#include <utility>

namespace bench {

/// An open descriptor, closed once.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      close();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { close(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void close();

 private:
  int fd_ = -1;
};

/// "what: why" of errno as an exception.
[[noreturn]] void throw_errno(const char* what);

/// Asks for as many descriptors as the system lets this process have.
void raise_descriptor_limit();

}  // namespace bench
