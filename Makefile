# The commands of the README. Each does its own set-up and can be repeated.

# Outside the checkout, so that a fresh clone does not build everything again.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rental-analytics/target
# Always the whole workspace: building one package of it would choose other features and build the dependencies twice.
cargo_build = cargo build --workspace --bins --locked
target = $(CARGO_TARGET_DIR)/debug

.PHONY: demo test lint bench bench-memory bench-load build-bench setup build prepare print-target

demo: setup
	$(target)/rental-local demo

# With MySQL's own server where it can be fetched, which the script says when it is not so.
test: setup
	@with=$$(scripts/mysql-server >/dev/null && echo --include-ignored); cargo test --workspace --locked -- $$with

lint: prepare
	@python=$$(scripts/python-environment scripts/sqlfluff.lock sqlfluff) && "$$python/bin/python" scripts/lint-sql
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings

# make bench SCALE=0.1 ROUNDS=5 TABLES=bookings,user_viewing; docs/benchmarks.md explains the figures.
SCALE ?= 1
ROUNDS ?= 3
TABLES ?=
SECOND_RUN_FLAGS ?= --sweep
REPORT ?= docs/benchmarks.md
# Both profiles build into target/release; `bench` shares its dependencies with `cargo bench`.
PROFILE ?= bench

bench: build-bench
	@$(run_bench) --rounds=$(ROUNDS) --tables=$(TABLES) --report=$(REPORT)

bench-memory: build-bench
	@$(run_bench) --memory

# make bench-load SCALE=0.1 ROUNDS=5; docs/load-benchmarks.md explains the figures.
LOAD_REPORT ?= docs/load-benchmarks.md

bench-load: prepare
	cargo build --workspace --bins --locked --profile $(PROFILE)
	@PYTHONPATH=benches/common exec "$$(scripts/find-python)" benches/load_redshift/bench.py \
		--binaries=$(CARGO_TARGET_DIR)/release --profile=$(PROFILE) --scale=$(SCALE) --rounds=$(ROUNDS) \
		--report=$(LOAD_REPORT)

build-bench: prepare
	cargo build --workspace --bin extract-rds --locked --profile $(PROFILE)

run_bench = python=$$(scripts/python-environment benches/extract_rds/peers.lock "connectorx, polars, pyarrow") && \
	PYTHONPATH=benches/common exec "$$python/bin/python" benches/extract_rds/bench.py --localstack="$$(scripts/python-environment)" \
	--binary=$(CARGO_TARGET_DIR)/release/extract-rds --profile=$(PROFILE) --scale=$(SCALE) \
	--second-run-flags="$(SECOND_RUN_FLAGS)"

setup: prepare build

build:
	$(cargo_build)

prepare:
	@command -v cargo >/dev/null || { echo "Rust is missing: https://rustup.rs installs it." >&2; exit 1; }
	@scripts/system-packages
	@scripts/python-environment >/dev/null
# Cargo knows by time stamps what changed, so the sources of another checkout that was built into this folder would pass as
# these.
	@mkdir -p $(CARGO_TARGET_DIR)
	@echo $(CURDIR) | cmp -s - $(CARGO_TARGET_DIR)/checkout || { \
		find crates tests sql Cargo.toml -exec touch {} + && echo $(CURDIR) >$(CARGO_TARGET_DIR)/checkout; }

print-target:
	@echo $(target)
