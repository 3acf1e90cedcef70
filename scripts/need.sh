#!/usr/bin/env bash
# Looks for what the targets of the Makefile need. What is missing is told with the command that mends it.
#
#   scripts/need.sh python   prints the Python to use: 3.11 or later, with the venv module
#   scripts/need.sh cc       a C compiler, which links
#   scripts/need.sh cargo    cargo with Rust 1.88 or later
#   scripts/need.sh lint     clippy and rustfmt
#   scripts/need.sh fuzz     cargo-fuzz and a nightly toolchain for it
#   scripts/need.sh miri     Miri
set -uo pipefail

oldest_python=3.11
oldest_rust=1.88
rustup="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"

missing() {
    printf 'missing: %s\n' "$1" >&2
    printf 'hint: %s\n' "$2" >&2
    exit 1
}

# The command that installs a package, in Debian's name and in Fedora's.
install() {
    if command -v dnf >/dev/null && ! command -v apt-get >/dev/null; then
        echo "sudo dnf install $2"
    else
        echo "sudo apt-get install $1"
    fi
}

# Whether version $1 is $2 or later; a part that is no number counts as its leading digits.
reaches() {
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

need_python() {
    local seen="" candidate version
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 python3.15}; do
        command -v "$candidate" >/dev/null || continue
        version=$("$candidate" -c 'import platform; print(platform.python_version())' 2>/dev/null) || continue
        if ! reaches "$version" $oldest_python; then
            seen="$seen; $candidate is $version"
            continue
        fi
        if ! "$candidate" -c 'import venv, ensurepip' >/dev/null 2>&1; then
            missing "the venv module of $candidate" \
                "$(install "python${version%.*}-venv" "python${version%.*}")"
        fi
        command -v "$candidate"
        return
    done
    missing "Python $oldest_python or later${seen:+ (${seen#; })}" \
        "$(install "python3.11 python3.11-venv" python3.11), or say which: make PYTHON=/path/to/python"
}

need_cc() {
    command -v cc >/dev/null || missing "a C compiler (\`cc\`, which links what Rust compiles)" \
        "$(install "gcc libc6-dev" gcc)"
}

need_cargo() {
    command -v cargo >/dev/null || missing "cargo (Rust $oldest_rust or later)" "$rustup"
    local version
    version=$(cargo --version 2>/dev/null | cut -d ' ' -f 2)
    [ -n "$version" ] || missing "a Rust toolchain for cargo" "rustup default stable"
    if ! reaches "$version" $oldest_rust; then
        local mend=$rustup
        if command -v rustup >/dev/null; then mend="rustup update stable"; fi
        missing "Rust $oldest_rust or later (cargo is $version)" "$mend"
    fi
}

need_lint() {
    cargo clippy --version >/dev/null 2>&1 || missing clippy "rustup component add clippy"
    cargo fmt --version >/dev/null 2>&1 || missing rustfmt "rustup component add rustfmt"
}

need_nightly() {
    cargo +nightly --version >/dev/null 2>&1 || missing "a nightly toolchain" "rustup toolchain install nightly"
}

need_fuzz() {
    need_nightly
    cargo fuzz --version >/dev/null 2>&1 || missing cargo-fuzz "cargo install cargo-fuzz --locked"
}

need_miri() {
    need_nightly
    cargo +nightly miri --version >/dev/null 2>&1 || missing Miri "rustup +nightly component add miri rust-src"
}

case ${1-} in
    python | cc | cargo | lint | fuzz | miri) "need_$1" ;;
    *)
        echo "usage: scripts/need.sh python|cc|cargo|lint|fuzz|miri" >&2
        exit 2
        ;;
esac
