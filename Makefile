# What a newcomer types. Each target installs what it needs first (scripts/setup.sh does nothing when all is there).
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local
export CTEST_OUTPUT_ON_FAILURE = 1

.PHONY: help setup build install demo test check openapi bench fuzz format clean asan tsan crash

help:
	@echo "make demo    install, build, run the hub with demo data; Ctrl-C stops it"
	@echo "make test    install, build, run all tests"
	@echo "make check   formatting, tidy, build, tests: before each commit"
	@echo "make openapi after a change of a resource's table: the same in api/openapi.json"
	@echo "make bench   measure, print a table, write bench/results/"
	@echo "make fuzz    each fuzz target for a minute"
	@echo "make build   the release program: build/release/crossdock"
	@echo "make install puts it into \$$(PREFIX)/bin, /usr/local/bin if nothing else is said; builds nothing"
	@echo "make asan | tsan | crash   sanitizer runs and the full crash test"
	@echo "make format | clean"

setup:
	@scripts/setup.sh

build/%/build.ninja: CMakeLists.txt CMakePresets.json | setup
	cmake --preset $*

build: build/release/build.ninja
	ninja -C build/release -j $(JOBS) crossdock

# By root, who need not own what a build leaves behind.
install:
	@test -x build/release/crossdock || { echo "there is no build/release/crossdock yet: make build"; exit 1; }
	install -D -m 755 build/release/crossdock "$(DESTDIR)$(PREFIX)/bin/crossdock"

# The program of the tests: what `make test` builds is not built twice, and linking takes a moment.
demo: build/dev/build.ninja
	ninja -C build/dev -j $(JOBS) crossdock
	scripts/demo.sh build/dev/crossdock

test: build/dev/build.ninja
	ninja -C build/dev -j $(JOBS)
	ctest --test-dir build/dev -j $(JOBS)

check: build/dev/build.ninja
	scripts/format.sh --check
	$(MAKE) test

asan: build/asan/build.ninja
	ninja -C build/asan -j $(JOBS)
	ctest --test-dir build/asan -j $(JOBS)

# ThreadSanitizer covers what has threads: the door and the queue.
tsan: build/tsan/build.ninja
	ninja -C build/tsan -j $(JOBS) crossdock_base_test crossdock_db_test crossdock_queue_test
	ctest --test-dir build/tsan -R 'crossdock_(base|db|queue)_test' -j $(JOBS)

# After a change of a resource's table: what it says of the resource, in the API's document as well.
openapi: build/dev/build.ninja
	ninja -C build/dev -j $(JOBS) crossdock_schemas
	tools/openapi/assemble.py build/dev/src/api/crossdock_schemas

bench: build/release/build.ninja
	ninja -C build/release -j $(JOBS) crossdock crossdock_bench
	build/release/bench/crossdock_bench all --results bench/results
	build/release/bench/crossdock_bench e2e --filters --results bench/results
	bench/start.py --server build/release/crossdock --results bench/results
	bench/history.py --rows 1000000 --results bench/results
	build/release/bench/crossdock_bench isolation --seconds 30 --results bench/results
	build/release/bench/crossdock_bench fairness --seconds 30 --results bench/results
	build/release/bench/crossdock_bench recovery --seconds 20 --results bench/results
	build/release/bench/crossdock_bench inbound --seconds 20 --results bench/results

crash:
	tests/crash/run.sh full

fuzz: build/fuzz/build.ninja
	ninja -C build/fuzz -j $(JOBS)
	scripts/fuzz.sh build/fuzz 60

format: setup
	scripts/format.sh

clean:
	rm -rf build
