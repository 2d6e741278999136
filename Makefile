# The only entry for people and for the gate. `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help
CARGO ?= cargo
FUZZ_SECONDS ?= 3600

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: deps-fleet guests ## Run the example edits through a private fleet and check every outcome
	@$(CARGO) build --quiet --workspace --bins
	@exec target/debug/booster-demo $(DEMO)

.PHONY: up
up: deps-fleet guests ## Run a private Redis, two workers and the HTTP gateway until Ctrl-C
	@$(CARGO) build --quiet --workspace --bins
	@exec target/debug/booster up $(UP)

.PHONY: test
test: deps-test guests ## Run all tests, from unit tests to the black-box tests with real servers
	$(CARGO) build --workspace --bins
	$(CARGO) test --workspace --doc
	$(CARGO) test --workspace --lib --bins
	$(CARGO) test --workspace --test '*'

.PHONY: chaos
chaos: deps-chaos guests ## Break fleets in ten ways and balance the books (about ten minutes; CHAOS="--only 1,4")
	@$(CARGO) build --quiet --workspace --bins
	@exec target/debug/chaos $(CHAOS)

.PHONY: test-full
test-full: ## Run all tests, then the fault scenarios and an hour of fuzzing
	@$(MAKE) test
	@$(MAKE) chaos
	@$(MAKE) fuzz

.PHONY: lint
lint: deps-lint ## Check formatting, clippy, licences and sources of dependencies
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) deny --log-level error check bans licenses sources
	@scripts/advisories.sh

.PHONY: bench
bench: deps-fleet guests ## Measure the whole fleet: edits and no-op jobs per second, idle latency
	@$(CARGO) build --quiet --release --workspace --bins
	@target/release/fleet $(BENCH)

.PHONY: bench-queue
bench-queue: deps-fleet deps-peers guests ## Compare the queue with BullMQ, apalis-redis and bare Redis commands
	@$(CARGO) build --quiet --release --workspace --bins
	@$(CARGO) build --quiet --release --locked --manifest-path bench/peers/apalis-redis/Cargo.toml --target-dir target/peers
	@npm ci --prefix bench/peers/bullmq --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@target/release/queue $(BENCH)

.PHONY: bench-pool
bench-pool: deps-fleet guests ## Measure fresh sandboxes: their price, scaling, memory, start; fail when a ratio misses its aim
	@$(CARGO) build --quiet --release --workspace --bins
	@target/release/pool $(BENCH)

.PHONY: accuracy-floor
accuracy-floor: guests ## Count right and wrong edits on a corpus (CORPUS=folder of *.jsonl), and fail below the floor
	@$(CARGO) build --quiet --package booster-bench --bin accuracy
	@target/debug/accuracy $(CORPUS)/*.jsonl --floor bench/accuracy-floor.json

.PHONY: accuracy
accuracy: accuracy-floor deps-peers ## The same, and then npm's agent-booster on the same corpus
	@npm ci --prefix bench/peers/agent-booster --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@node bench/agent-booster.mjs $(CORPUS)/*.jsonl

.PHONY: calibrate
calibrate: ## Print what the edit engine's scores are worth on a corpus (CORPUS=folder of *.jsonl)
	@$(CARGO) build --quiet --release --package booster-bench --bin accuracy
	@target/release/accuracy --calibrate $(CORPUS)/*.jsonl

.PHONY: bench-apply
bench-apply: guests ## Measure the edit engine's CPU time beside one parse, natively and in the sandbox
	@$(CARGO) build --quiet --release --package booster-bench --bin apply
	@target/release/apply --wasm $(BENCH)

.PHONY: fuzz
fuzz: ## Feed the edit engine spoiled input (FUZZ_SECONDS, an hour by default)
	@BOOSTER_FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --release --package booster-apply --test engine fuzz

.PHONY: build
build: guests ## Build the programs and the boosters
	$(CARGO) build --workspace --bins

.PHONY: guests
guests: ## Build the boosters that ship with the fleet (WebAssembly)
	@guests/build.sh

.PHONY: guests-examples
guests-examples: guests ## Build the example boosters in five languages, run each and print what it costs
	@guests/examples/build.sh
	@$(CARGO) build --quiet --bin boosters
	@target/debug/boosters guests/out/examples

.PHONY: agent-booster
agent-booster: deps-peers guests ## Fetch npm's agent-booster 0.2.2 and make it a booster
	@guests/agent-booster.sh

.PHONY: conformance-agent-booster
conformance-agent-booster: agent-booster ## Compare the booster agent-booster with the package under Node
	@$(CARGO) build --quiet --bin agent-booster-conformance
	@target/debug/agent-booster-conformance

.PHONY: deps-fleet
deps-fleet:
	@scripts/install-deps.sh redis

.PHONY: deps-peers
deps-peers:
	@scripts/install-deps.sh node

.PHONY: deps-test
deps-test:
	@scripts/install-deps.sh redis prometheus terminal

.PHONY: deps-chaos
deps-chaos:
	@scripts/install-deps.sh redis network

.PHONY: deps-lint
deps-lint:
	@scripts/install-deps.sh cargo-deny
