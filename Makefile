# What this project can do; `make help` lists it. The work is in tools/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# No tool may fetch parts of the Rust toolchain by itself: nothing listens on this port.
export RUSTUP_DIST_SERVER := http://127.0.0.1:9
export RUSTUP_UPDATE_ROOT := http://127.0.0.1:9

FUNCTIONS := intake provision rotate-secret secret-expiry-check token-lifetime-check
DEV := $(addprefix -p ,$(FUNCTIONS))
SAY := @printf '\n==> %s\n'

.PHONY: help demo sandbox test build package deploy bench

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: tools .tools/postgres/.ready target/roles.json ## from a ticket to a login that works, on this machine (KEEP=1 leaves it running)
	$(SAY) "building the functions and the sandbox"
	@cargo build --locked $(DEV) -p extoauth-sandbox -p extoauth-scenarios
	@KEEP=$(KEEP) exec cargo run --locked --quiet -p extoauth-scenarios --bin demo

sandbox: tools .tools/postgres/.ready target/roles.json ## stand-ins of all systems and the functions, in the foreground (Ctrl-C ends them)
	$(SAY) "building the functions and the sandbox"
	@cargo build --locked $(DEV) -p extoauth-sandbox
	@exec target/debug/sandbox

test: tools .tools/adapter/.ready .tools/browser/.ready .tools/postgres/.ready .tools/checkov/.ready .tools/sam/.ready .tools/schemathesis/.ready target/roles.json ## formatting, lints, all tests, template checks
	@tools/test.sh $(FUNCTIONS)

build: .tools/lambda-venv/.ready ## release functions as target/lambda/<function>/bootstrap (ARCH=arm64 or x86_64)
	@tools/build.sh "$(ARCH)" $(FUNCTIONS)

package: tools .tools/lambda-venv/.ready ## zips and a plain CloudFormation template below target/package (ARCH=arm64)
	@.tools/venv/bin/python tools/package.py check "$(ARCH)" $(FUNCTIONS)
	@tools/build.sh "$(or $(ARCH),arm64)" $(FUNCTIONS)
	@.tools/venv/bin/python tools/package.py write "$(ARCH)" $(FUNCTIONS)

deploy: package .tools/sam/.ready ## package, then sam deploy --guided
	@SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam deploy --guided --template-file target/package/$(or $(ARCH),arm64)/sam.yaml

bench: tools .tools/lambda-venv/.ready target/roles.json ## the figures: a table, and target/bench.json
	@tools/build.sh "" $(FUNCTIONS) hello
	$(SAY) "building the benchmarks"
	@cargo run --locked --quiet -p extoauth-bench

# ----------------------------------------------------------------------- tools

.PHONY: tools
tools: .tools/venv/.ready

# Python tools, pinned, each set in an environment of its own: their own pins contradict each other.
.tools/%/.ready: tools/requirements/%.txt
	@printf '==> installing Python tools: %s (once)\n' "$*"
	@rm -rf .tools/$*
	@python3 -m venv .tools/$*
	@.tools/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	@touch $@

target/roles.json: template.yaml tools/roles.py tools/template.py tests/sandbox/src/seed.rs .tools/venv/.ready
	@.tools/venv/bin/python tools/roles.py
