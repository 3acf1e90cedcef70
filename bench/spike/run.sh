#!/bin/sh
# Builds and measures the spike; prints the tables of RESULTS.md. Wants cargo, python3, wrk, taskset, strace, two cores.
set -eu
cd "$(dirname "$0")/../.."
for tool in cargo python3 wrk taskset strace; do
    command -v "$tool" >/dev/null || { echo "run.sh: \`$tool\` is missing; hint: apt-get install wrk util-linux strace" >&2; exit 1; }
done
(cd bench/backend && cargo build --release --quiet --locked)
(cd bench/spike && cargo build --release --quiet --locked)
exec python3 -m bench.spike.measure "$@"
