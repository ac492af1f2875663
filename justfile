# One entry for every check; `just` alone lists them. Each recipe is a plain command: without just,
# read it here and type it.

_list:
    @just --list --unsorted

# Everything a change must pass, as the build machine runs it
ci:
    .ci/run

# Format all crates
fmt:
    cargo fmt --all
    cargo fmt --manifest-path fuzz/Cargo.toml

# Compiler lints and clippy, warnings refused
lint:
    cargo clippy --workspace --all-targets -- -D warnings
    cargo clippy --manifest-path fuzz/Cargo.toml --target-dir target --all-targets -- -D warnings

# Who may know whom, and the habits no lint covers
house:
    .ci/arrows.py --self-test
    .ci/arrows.py
    .ci/house.py --self-test
    .ci/house.py

# What became of each name of the module: rows, items, tests and cases of docs/node-map.md
node-map:
    .ci/node_map.py --self-test
    .ci/node_map.py

# All tests, doc tests among them
test:
    cargo test --workspace

# The API documentation, warnings refused
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --lib

# The suites against `sealane echo` and the contract client: `just conformance --quick h1`
conformance *arguments:
    conformance/run {{arguments}}

# Replay the fuzz corpora on the stable compiler
fuzz-corpora:
    cargo test --manifest-path fuzz/Cargo.toml --target-dir target

# Licences, banned crates and sources (needs cargo-deny)
dependencies:
    cargo deny --offline check bans licenses sources

# Known vulnerabilities of what we build on (needs cargo-deny and the network)
advisories:
    cargo deny check advisories

# What takes longer than a change may wait: whole suites, on a release build
nightly:
    conformance/run --release h1 tls hostile certs
