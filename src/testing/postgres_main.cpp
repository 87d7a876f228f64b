// crossdock_test_postgres start|stop DIR: one PostgreSQL for all test programs of a run, as a ctest fixture
// uses it. start prints the URL, to be put into CROSSDOCK_TEST_POSTGRES; a server that was left behind there
// is replaced.
#include <cstdio>
#include <exception>
#include <string_view>

#include "testing/postgres_server.hpp"

int main(int argc, char** argv) {
  const std::string_view verb = argc == 3 ? argv[1] : "";
  if (verb != "start" && verb != "stop") {
    std::fprintf(stderr, "usage: %s start|stop DIR\n", argv[0]);
    return 64;
  }
  try {
    testing::remove_postgres(argv[2]);
    if (verb == "start") {
      const testing::PostgresServer server({.directory = argv[2], .outlives_us = true});
      std::printf("%s\n", server.url().c_str());
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
