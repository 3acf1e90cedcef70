#!/usr/bin/env bash
# Looks for known faults in what we depend on. What can't be asked here is said, and passes.
#
#   scripts/audit.sh rust     cargo-deny: licences, sources, bans, advisories
#   scripts/audit.sh python   pip-audit: advisories
set -uo pipefail

said=$(mktemp "${TMPDIR:-/tmp}/surehop-audit.XXXXXX")
trap 'rm -f "$said"' EXIT

rust() {
    if ! command -v cargo-deny >/dev/null; then
        echo "cargo-deny is not here, so nothing was asked (cargo install cargo-deny --locked)"
        return
    fi
    cargo deny --offline check --hide-inclusion-graph licenses bans sources || return 1
    cargo deny check --hide-inclusion-graph advisories >"$said" 2>&1 && return
    if grep -qiE "failed to (fetch|clone|open|acquire|load|update)|unable to (fetch|clone)|registry index" "$said"; then
        echo "the Rust advisories can't be reached, so they were not asked"
        return
    fi
    cat "$said"
    return 1
}

python() {
    .venv/bin/pip-audit --local --skip-editable --progress-spinner off --format json >"$said" 2>/dev/null
    .venv/bin/python - "$said" <<'END'
import json, pathlib, sys

try:
    found = json.loads(pathlib.Path(sys.argv[1]).read_text())["dependencies"]
except ValueError:
    found = []
asked = [package for package in found if "skip_reason" not in package]
for package in asked:
    for fault in package["vulns"]:
        print(package["name"], package["version"], fault["id"], *fault["fix_versions"])
if not asked:
    print("the Python advisories can't be reached, so they were not asked")
sys.exit(any(package["vulns"] for package in asked))
END
}

case ${1-} in
    rust | python) "$1" ;;
    *)
        echo "usage: scripts/audit.sh rust|python" >&2
        exit 2
        ;;
esac
