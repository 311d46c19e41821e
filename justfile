# Short names for the commands of CONTRIBUTING.md, which work without just. `just --list` shows them.

# Starts the hub on this machine.
run:
    cargo run

# Runs every test.
test:
    cargo test --workspace

# Runs the tests whose names contain this.
one name:
    cargo test --workspace {{ name }}

# Checks the format, and takes every warning for an error.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Checks all that must hold before a change lands.
ci:
    .ci/run

# Writes anew what the code makes: docs/openapi.json and docs/checklist.md.
docs:
    UPDATE_DOCS=1 cargo test --workspace --test in_process -- the_document_that_is_served checklist::
