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

.PHONY: test-doors
test-doors: deps-doors guests ## Run other people's clients, made-up requests and load against the gateway (DOORS="load")
	@$(CARGO) build --quiet --workspace --bins --examples
	@tests/doors/run.sh $(DOORS)

.PHONY: openapi
openapi: ## Write docs/openapi.json anew
	@$(CARGO) build --quiet --workspace --bins
	@target/debug/booster openapi > docs/openapi.json

.PHONY: chaos
chaos: deps-chaos guests ## Break fleets in ten ways and balance the books (about ten minutes; CHAOS="--only 1,4")
	@$(CARGO) build --quiet --workspace --bins
	@exec target/debug/chaos $(CHAOS)

.PHONY: soak
soak: deps-chaos guests ## Run half a million jobs, one in a hundred hostile, and look for lost slots and growing memory
	@$(CARGO) build --quiet --workspace --bins
	@exec target/debug/chaos --only 11 $(CHAOS)

.PHONY: test-full
test-full: ## Run all tests, then those of monitoring, console and doors, accuracy, the fault scenarios, the soak and an hour of fuzzing
	@$(MAKE) test
	@$(MAKE) corpus
	@$(MAKE) accuracy-floor CORPUS=target/corpus
	@$(MAKE) test-monitoring
	@$(MAKE) test-console
	@$(MAKE) test-doors
	@$(MAKE) chaos
	@$(MAKE) soak
	@$(MAKE) fuzz

.PHONY: test-monitoring
test-monitoring: deps-test guests ## Test rules, alerts and dashboards, the latter with a fleet under load for two minutes
	$(CARGO) build --workspace --bins
	$(CARGO) test --workspace --test blackbox -- --include-ignored monitoring

.PHONY: monitoring
monitoring: deps-monitoring ## Run Prometheus and Alertmanager against a running fleet until Ctrl-C (REDIS_URL, GATEWAY)
	@$(CARGO) build --quiet --workspace --bins
	@exec scripts/monitoring.sh

.PHONY: dashboards
dashboards: deps-peers ## Generate Grafana's dashboards anew (monitoring/grafana/boards.mjs)
	@node monitoring/grafana/generate.mjs

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

.PHONY: bench-sizing
bench-sizing: ## Simulate pools of fixed sizes and sized by their load, and draw the plots of docs/pool.md
	@$(CARGO) build --quiet --workspace --bins
	@target/debug/sizing --plots docs/images $(BENCH)

.PHONY: accuracy-floor
accuracy-floor: guests ## Count right and wrong edits on a corpus (CORPUS=folder of *.jsonl), and fail below the floor
	@$(CARGO) build --quiet --workspace --bins
	@target/debug/accuracy $(CORPUS)/*.jsonl --floor bench/accuracy-floor.json

.PHONY: accuracy
accuracy: accuracy-floor deps-peers ## The same, and then npm's agent-booster on the same corpus
	@npm ci --prefix bench/peers/agent-booster --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@node bench/agent-booster.mjs $(CORPUS)/*.jsonl

.PHONY: corpus
corpus: deps-corpus ## Build a corpus of edits from releases of public packages, into target/corpus
	@test -x target/corpus-python/bin/python || python3 -m venv target/corpus-python
	@target/corpus-python/bin/pip install --quiet --requirement bench/corpus/requirements.txt
	@target/corpus-python/bin/python bench/corpus/build.py target/corpus

.PHONY: calibrate
calibrate: ## Print what the edit engine's scores are worth on a corpus (CORPUS=folder of *.jsonl)
	@$(CARGO) build --quiet --release --workspace --bins
	@target/release/accuracy --calibrate $(CORPUS)/*.jsonl

.PHONY: bench-apply
bench-apply: guests ## Measure the edit engine's CPU time beside one parse, natively and in the sandbox
	@$(CARGO) build --quiet --release --workspace --bins
	@target/release/apply --wasm $(BENCH)

.PHONY: fuzz
fuzz: ## Feed the edit engine spoiled input (FUZZ_SECONDS, an hour by default)
	@BOOSTER_FUZZ_SECONDS=$(FUZZ_SECONDS) $(CARGO) test --release --workspace --test engine fuzz

.PHONY: build
build: guests ## Build the programs and the boosters
	$(CARGO) build --workspace --bins

.PHONY: guests
guests: ## Build the boosters that ship with the fleet (WebAssembly)
	@guests/build.sh

.PHONY: guests-examples
guests-examples: guests ## Build the example boosters in five languages, run each and print what it costs
	@guests/examples/build.sh
	@$(CARGO) build --quiet --workspace --bins
	@target/debug/boosters guests/out/examples

.PHONY: agent-booster
agent-booster: deps-peers guests ## Fetch npm's agent-booster 0.2.2 and make it a booster
	@guests/agent-booster.sh

.PHONY: conformance-agent-booster
conformance-agent-booster: agent-booster ## Compare the booster agent-booster with the package under Node
	@$(CARGO) build --quiet --workspace --bins
	@target/debug/agent-booster-conformance

.PHONY: console
console: console-modules ## Build the web console into the gateway's source (needs Node 20.19 or newer)
	@cd console && npm run --silent build

.PHONY: test-console
test-console: deps-chromium deps-fleet guests console-modules ## Test the console in a browser with a fleet, and that its committed build is the current one
	@$(CARGO) build --quiet --workspace --bins
	@cd console && npx --no-install tsc --noEmit
	@cd console && npx --no-install vite build --logLevel error --outDir ../target/console
	@diff -r target/console producer/src/gateway/console || { echo 'the committed console is not what its source builds; run `make console`' >&2; exit 1; }
	@cd console && BOOSTER=../target/debug/booster node --test --test-reporter spec test/*.test.mjs

.PHONY: console-images
console-images: ## Test the console and renew its pictures in docs/images
	@rm -rf target/console-images
	@SCREENSHOTS=$(CURDIR)/target/console-images WARM_UP_S=300 $(MAKE) test-console
	@mkdir -p docs/images
	@cp target/console-images/console-overview-light-1280.png target/console-images/console-job-dark-1280.png docs/images/

.PHONY: console-modules
console-modules: deps-peers
	@npm ci --prefix console --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null

.PHONY: deps-chromium
deps-chromium:
	@scripts/install-deps.sh chromium

.PHONY: deps-fleet
deps-fleet:
	@scripts/install-deps.sh redis

.PHONY: deps-peers
deps-peers:
	@scripts/install-deps.sh node

.PHONY: deps-test
deps-test:
	@scripts/install-deps.sh redis prometheus node terminal

.PHONY: deps-corpus
deps-corpus:
	@scripts/install-deps.sh python

.PHONY: deps-monitoring
deps-monitoring:
	@scripts/install-deps.sh prometheus

.PHONY: deps-doors
deps-doors:
	@scripts/install-deps.sh redis node python load

.PHONY: deps-chaos
deps-chaos:
	@scripts/install-deps.sh redis network

.PHONY: deps-lint
deps-lint:
	@scripts/install-deps.sh cargo-deny
