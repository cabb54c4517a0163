# The front door: what a person types. Each target is a line or two; work that needs thought is in tools/*.sh, and what
# depends on what inside Rust is cargo's business. It must not hold logic, and no step needs to be known beforehand.
#
#   make               the package, loadable, in build/      TCLLIBPATH=$PWD/build tclsh
#   make demo          a first look; BROKERS=host:port,... to run it on a real cluster
#   make test          all tests, in Tcl 8.6 and Tcl 9       TESTFLAGS='-file subscriber.test'
#   make test86 test9  the Tcl tests in one of them          make test-rust  those of the two lower crates
#   make kafka         a real Apache Kafka of three brokers to play with; KAFKA_VERSION=3.9 for an older one
#   make test-kafka    everything that is proven on a real Kafka     make torture  faults with a million messages each
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

.PHONY: all build setup demo test test86 test9 test-rust kafka test-kafka torture test-wire check docs install shell clean

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

kafka:
	@tools/setup-kafka.sh
	@$(TCLSH86) tests/kafka/run.tcl $(KAFKAFLAGS)

test-kafka: build
	@tools/setup-kafka.sh test
	@shell=$$(tools/tcl9.sh) && $(WITH) $(TCLSH86) tests/kafka/all.tcl -tcl9 "$$shell" $(KAFKAFLAGS)

torture: build
	@tools/setup-kafka.sh
	@$(WITH) $(TCLSH86) tests/kafka/torture.tcl -messages 1000000 $(KAFKAFLAGS)

test-wire: build
	@shell=$$(tools/tcl9.sh) && $(WITH) $(TCLSH86) tests/wire/all.tcl -tclsh9 "$$shell" $(if $(SEED),-seed $(SEED)) $(WIREFLAGS)

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
