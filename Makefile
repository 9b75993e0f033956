# The commands of the README. Each does its own set-up and can be repeated.

# Outside the checkout, so that a fresh clone does not build everything again.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/rental-analytics/target
# Always the whole workspace: building one package of it would choose other features and build the dependencies twice.
cargo_build = cargo build --workspace --bins --locked
target = $(CARGO_TARGET_DIR)/debug

.PHONY: demo test lint setup build prepare print-target

demo: setup
	$(target)/rental-local demo

test: setup
	cargo test --workspace --locked

lint: prepare
	@python=$$(scripts/python-environment scripts/sqlfluff.lock sqlfluff) && "$$python/bin/python" scripts/lint-sql
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings

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
