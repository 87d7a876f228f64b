# Everything comes from Debian; scripts/setup.sh installs it.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(CURL 7.88 REQUIRED)
find_library(IDN2_LIBRARY idn2 REQUIRED)
find_package(SQLite3 3.40 REQUIRED)
find_package(PostgreSQL 15 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(RapidJSON REQUIRED)
find_package(pugixml 1.13 CONFIG REQUIRED)
find_package(ZLIB 1.2 REQUIRED)
find_library(BROTLI_DECODER_LIBRARY brotlidec REQUIRED)
find_library(ZSTD_LIBRARY zstd REQUIRED)
find_library(RE2_LIBRARY re2 REQUIRED)  # its pkg-config file asks for -pthread, which the precompiled header lacks
find_package(mimalloc 2.0 REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

# Asio and Beast are compiled once, in the translation units that own them (base/asio.cpp, http/beast.cpp).
add_compile_definitions(BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION
                        BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE)
