# Everything that people do with this repository. `make help` lists it.

SHELL := /bin/bash
TARGET ?= $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)
BIN := $(TARGET)/release
PYTHON ?= python3

.DEFAULT_GOAL := help
.PHONY: help build run serve status test check fmt docs data-sums data-check verify-real bench bench-ingest clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build all programs into target/release
	cargo build --release --locked --workspace

run: build ## Simulate stations, make two models of them, judge, explain, register both
	$(BIN)/pm25 run

status: build ## Say what is fresh, what is stale, and why
	$(BIN)/pm25 status

test: ## Run every test
	cargo test --workspace --locked

check: ## Format, lints, docs: what must be clean before a commit
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

fmt: ## Format the code
	cargo fmt --all

docs: ## Build the API documentation
	cargo doc --workspace --no-deps --locked

data-sums: ## Write the hashes of the raw files in data/ (data are versioned through them)
	cd data && find . -type f -name '*.csv*' | LC_ALL=C sort | xargs sha256sum > SHA256SUMS

data-check: ## Check the raw files in data/ against their hashes
	cd data && sha256sum --check --quiet SHA256SUMS

verify-real: build ## Recompute every published number from raw UCI Beijing files (RAW=folder)
	bench/verify-real $(BIN) $(RAW)

bench: ## Time kernels, then fitting and explaining beside XGBoost, LightGBM, scikit-learn (BENCH="--rows 12")
	cargo bench --locked -p pm25-learn
	bench/peers/speed --wide $(BENCH)

bench-ingest: ## How long and in how much memory 120 files are read, beside polars (minutes; BENCH="--rows 1.2 --files 12")
	bench/peers/ingest $(BENCH)

clean: ## Remove what was built and made; the registry stays
	cargo clean
	rm -rf artifacts/.pm25 data/demo
	find artifacts -mindepth 1 -not -name README.md -delete
