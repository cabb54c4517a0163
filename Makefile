# The front door: what a person types. Each target is a line or two; work that needs thought is in tools/*.sh, and what
# depends on what inside Rust is cargo's business. It must not hold logic, and no step needs to be known beforehand.
#
#   make               the package, loadable, in build/      TCLLIBPATH=$PWD/build tclsh
#   make demo          a first look; BROKERS=host:port,... to run it on a real cluster
#   make test          all tests, in Tcl 8.6 and Tcl 9       TESTFLAGS='-file subscriber.test'
#   make test86 test9  the Tcl tests in one of them          make test-rust  those of the two lower crates
#   make test-plant    planted panics and planted faults, and the tests that must notice them
#   make kafka         a real Apache Kafka of three brokers to play with; KAFKA_VERSION=3.9 for an older one
#   make test-kafka    everything that is proven on a real Kafka     make torture  faults with a million messages each
#   make hostile       attacks every subcommand: SEED=n repeats a run, CALLS=30000, JOBS=30 processes, in TCLSH
#   make leaks         each object made, used and deleted CYCLES=100000 times: memory, descriptors and threads stay
#   make soak          MESSAGES=10000000 through one process while its cluster fails; SOAKFLAGS='-seed 1'
#   make miri          pure Rust under Miri (a nightly toolchain)   PROPTEST_CASES=n make test-rust   more inputs
#   make errors        every error of a broker as the answer to every request    ERRORFLAGS='-cells 100 -seed 1'
#   make test-catalogue  each known way to kill a process, in a process of its own     CATFLAGS='-match L3*'
#   make test-asan     the same and more under AddressSanitizer     make test-valgrind  the important ones under valgrind
#   make bench         ours, C and Python side by side: MESSAGES=2000000 REPEAT=3 CASES='produce report' SECONDS=10
#                      BROKERS=host:port,... on brokers of yours, PLACE=embedded without Kafka; see docs/benchmarks.md
#   make bench-settings   what the settings that matter change   ONLY='*linger* read/*' MESSAGES=1000000 REPEAT=3
#                      BROKERS=host:port,...   MARKDOWN=1 for tables to paste
#   make bench-instructions   instructions per message on each hot path against a budget   COUNTFLAGS='-paths batch'
#   make test-wire     brokers and networks that misbehave   SEED=n repeats a run
#   make check         format and lints                      make docs       the generated pages anew
#   make install       PREFIX, DESTDIR, LIBDIR, pkglibdir, or where TCLSH looks for packages
#   make shell         a Tcl shell that finds the package    make clean
#
# CARGOFLAGS goes to every cargo that builds: --locked, --offline, --features ...

TCLSH   ?= tclsh
TCLSH86 ?= tclsh8.6

# Empty: tools/tcl9.sh finds or fetches one.
TCLSH9 ?=

VERSION := $(shell sed -n 's/^version *= *"\(.*\)".*/\1/p' Cargo.toml | head -n 1)
PACKAGE := build/kafka$(VERSION)
TARGET  := $(or $(CARGO_TARGET_DIR),target)
WITH    := TCLLIBPATH="$(CURDIR)/build"

# Where rustup puts cargo, for shells that have not read its settings.
export PATH := $(PATH):$(HOME)/.cargo/bin
export PREFIX DESTDIR LIBDIR pkglibdir TCLSH TCLSH86 TCLSH9 TESTFLAGS CARGOFLAGS

# The total of `make test` stays the last line.
MAKEFLAGS += --no-print-directory

.PHONY: all build setup demo test test86 test9 test-rust kafka test-kafka torture test-plant test-catalogue \
	test-asan test-valgrind test-wire hostile errors leaks soak miri check docs install shell clean \
	bench bench-settings bench-instructions

all: build

setup:
	@tools/setup.sh

build: setup
	cargo build --release $(CARGOFLAGS) -p kafkatcl
	@rm -rf $(filter-out $(PACKAGE),$(wildcard build/kafka*))
	@tools/package.sh build $(PACKAGE)

demo: build
	@$(WITH) $(TCLSH86) demos/demo.tcl $(if $(BROKERS),-brokers $(BROKERS))

test: build
	@tools/test.sh rust 8.6 9

test86: build
	@tools/test.sh 8.6

test9: build
	@tools/test.sh 9

test-rust: setup
	@tools/test.sh rust

test-plant: build
	@tools/plant.sh

kafka:
	@tools/setup-kafka.sh
	@$(TCLSH86) tests/kafka/run.tcl $(KAFKAFLAGS)

test-kafka: build
	@tools/setup-kafka.sh test
	@shell=$$(tools/tcl9.sh) && $(WITH) $(TCLSH86) tests/kafka/all.tcl -tcl9 "$$shell" $(KAFKAFLAGS)

torture: build
	@tools/setup-kafka.sh
	@$(WITH) $(TCLSH86) tests/kafka/torture.tcl -messages 1000000 $(KAFKAFLAGS)

hostile: build
	@$(WITH) $(TCLSH) tests/hostile.tcl -calls $(or $(CALLS),30000) -jobs $(or $(JOBS),30) $(if $(SEED),-seed $(SEED))

leaks: build
	@$(WITH) $(TCLSH86) tests/leaks.tcl -cycles $(or $(CYCLES),100000) $(LEAKSFLAGS)

soak: build
	@$(WITH) $(TCLSH86) tests/soak.tcl -messages $(or $(MESSAGES),10000000) $(SOAKFLAGS)

# Only what calls no C: it is interpreted.
miri:
	cargo +nightly miri test $(CARGOFLAGS) -p tclstubs --lib

errors: build
	@$(WITH) $(TCLSH86) tests/errors-matrix.tcl $(ERRORFLAGS)

test-catalogue: build
	@tools/catalogue.sh 8.6 9 -- $(CATFLAGS)

test-asan: setup
	@tools/asan.sh $(CATFLAGS)

test-valgrind: build
	@tools/setup.sh valgrind
	@tools/catalogue.sh 8.6 -- -valgrind 1 $(CATFLAGS)

test-wire: build
	@shell=$$(tools/tcl9.sh) && $(WITH) $(TCLSH86) tests/wire/all.tcl -tclsh9 "$$shell" $(if $(SEED),-seed $(SEED)) $(WIREFLAGS)

# Where Kafka or Python cannot be had the rest is measured all the same.
bench: build
	@tools/setup-kafka.sh test || echo "bench: going on with what is there"
	@$(WITH) $(TCLSH86) bench/bench.tcl -messages "$(MESSAGES)" -repeat "$(REPEAT)" -cases "$(CASES)" \
		-seconds "$(SECONDS)" -place "$(PLACE)" -brokers "$(BROKERS)"

bench-settings: build
	@$(if $(BROKERS),true,tools/setup-kafka.sh)
	@$(WITH) $(TCLSH86) bench/settings.tcl -messages "$(MESSAGES)" -repeat "$(REPEAT)" -only "$(ONLY)" \
		-markdown "$(MARKDOWN)" -brokers "$(BROKERS)"

bench-instructions: build
	@tools/setup.sh valgrind
	@$(WITH) $(TCLSH86) bench/instructions.tcl $(COUNTFLAGS)

check:
	@tools/setup.sh lint
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets $(CARGOFLAGS) -- -D warnings

docs: build
	$(WITH) $(TCLSH86) tools/gen_docs.tcl

# Builds only what was never built: `sudo make install` after `make` runs no compiler as root.
install:
	@test -e $(PACKAGE)/pkgIndex.tcl || $(MAKE) build
	@tools/package.sh install $(PACKAGE)

shell: build
	@$(WITH) $(TCLSH)

# Keeps what was fetched and does not depend on the sources: Tcl 9, Kafka, Python's client.
clean:
	rm -rf build $(filter-out $(TARGET)/tcl9 $(TARGET)/kafka-jars $(TARGET)/pyvenv,$(wildcard $(TARGET)/* $(TARGET)/.rust* $(TARGET)/.cargo*))
