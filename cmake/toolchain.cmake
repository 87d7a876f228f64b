# Compiler, flags, linker, cache. One compiler is accepted, with the reason where another is tried.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR
    "Crossdock builds with clang 19 or newer; this is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}.\n"
    "g++ 12 miscompiles statements that contain co_await (double free with by-value captures and\n"
    "brace-built aggregates), so it is refused. Run scripts/setup.sh, then: cmake --preset dev")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(CROSSDOCK_FUZZ "build the libFuzzer targets" OFF)
set(CROSSDOCK_SANITIZE "" CACHE STRING "value for -fsanitize=, empty for none")
option(CROSSDOCK_MUTANTS "compile in the faults that the crash test must catch" OFF)
option(CROSSDOCK_TEST_CLOCK "let CROSSDOCK_TEST_CLOCK_RATE speed the server's time of day up" OFF)

find_program(CCACHE ccache)
if(CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  # The precompiled header and its include order are part of the hash only with these sloppinesses.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()
find_program(LLD ld.lld-19)
if(LLD)
  add_link_options(-fuse-ld=lld-19)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough
                    -Wno-missing-field-initializers -Wno-gnu-zero-variadic-macro-arguments -Werror
                    -fno-omit-frame-pointer -Xclang -fno-pch-timestamp)
if(CROSSDOCK_SANITIZE)
  add_compile_options(-fsanitize=${CROSSDOCK_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CROSSDOCK_SANITIZE})
endif()
if(CROSSDOCK_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(CROSSDOCK_MUTANTS)
  add_compile_definitions(CROSSDOCK_MUTANTS=1)
endif()
