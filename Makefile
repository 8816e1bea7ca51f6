# Everything that is done by hand or by the pipeline. It needs Rust with rustfmt and clippy, and Go for the API server that tests run on.

target := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help demo test bench campaign campaign-peers fuzz mutants simulator control-plane crds charts reference image fmt lint audit clean

# The two commands that most people want come last, where they stay on the screen.
help: ## What can be made (this list)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {line = sprintf("make %-14s %s\n", $$1, $$2); if ($$1 ~ /^(demo|test)$$/) last = last line; else printf "%s", line} \
		END {printf "\n%s", last}' $(MAKEFILE_LIST)

demo: ## The operator at work: a dozen resets on a real API server and a simulated Intune; KEEP=1 leaves it up
	@tests/tools/demo/run.sh $(if $(KEEP),--keep)

test: ## Formatting, lints, generated files and all tests; the last line says how many passed and failed
	@tests/run.sh

fuzz: ## What comes from outside, fuzzed with libFuzzer for T seconds a target (60); TARGETS="look send" for some of them
	@T=$(T) tests/suites/fuzz/run.sh $(TARGETS)

mutants: ## The tests of lifecycle, platform, policy and protocol, tried with mistakes in the code; ARGS="-f core/src/lifecycle/decide.rs" for a part
	@command -v cargo-mutants >/dev/null || { echo "cargo-mutants is missing; install it with: cargo install cargo-mutants --locked" >&2; exit 1; }
	@mkdir -p $(target)
	cargo mutants --output $(target) $(ARGS)

campaign: ## The reliability campaign in full, a line for each layer (hours); LAYER=leaders for one of them, SIZE=small for less
	cargo build --locked --release --workspace --bins
	$(target)/release/campaign --size $(or $(SIZE),full) --layer "$(LAYER)"

campaign-peers: ## The same kills and freezes for the operator and for what people would have written instead; SIZE=small, SEED=1
	cargo build --locked --workspace --bins
	$(target)/debug/campaign --peers $(or $(SEED),1) --size $(or $(SIZE),full)

bench: ## Figures beside what people would have written instead; W=W3 for one workload, SIZE=small for a quick try, ARGS=--alone without peers
ifeq ($(W),W10)
	cargo bench --locked --package bench --bench decisions
	cargo build --locked --release --package bench --example decide_many
	benches/callgrind.sh $(target)/release/examples
else
	cargo build --locked --release --package passcode-operator --package bench --package peer-kube-rs
	$(target)/release/bench $(W) --size $(or $(SIZE),full) $(ARGS)
endif

simulator: ## The simulated Entra and Graph by hand, until Ctrl-C; ARGS="--throttle", ARGS=--help for more
	@mkdir -p $(target)
	cargo build --locked --workspace --bin graph-simulator
	$(target)/debug/graph-simulator --ca-file $(target)/graph-simulator-ca.pem $(ARGS)

control-plane: ## kube-apiserver, etcd and kubectl, built once per machine (some minutes) and kept outside of target/
	tests/support/control-plane/build.sh

# These build with the features of the whole workspace, as the tests do, so that nothing is built once more for them.
crds: ## The files in crds/, from the types in core/src/api/ (then: make charts)
	cargo build --locked --workspace --bin passcode-operator
	$(target)/debug/passcode-operator crds --output crds

charts: ## The files in deploy/ that are made from others: the chart of the definitions, the table of values, kustomize's base
	cargo build --locked --workspace --bin deploy
	$(target)/debug/deploy

reference: ## The pages of docs/reference/, from the types, the table of reasons, the metrics and the command line
	cargo build --locked --workspace --bin reference
	$(target)/debug/reference

image: ## The container image as an OCI layout, without a container engine; ARCHITECTURES="amd64 arm64" for both
	@rm -rf $(target)/image
	deploy/image/build.sh $(target)/image $(ARCHITECTURES)

fmt: ## All Rust code, formatted
	cargo fmt --all

lint: ## Clippy; its warnings are errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

audit: ## Bans, licenses and sources of all dependencies
	@command -v cargo-deny >/dev/null || { echo "cargo-deny is missing; install it with: cargo install cargo-deny --locked" >&2; exit 1; }
	cargo deny --workspace --locked check bans licenses sources

clean: ## All that cargo has built; the control plane's programs stay in the user's cache
	cargo clean
