#!/usr/bin/env bash
# One step: says what is done, does it, says how long it took.
#
#   scripts/step.sh WHAT COMMAND…        keeps what COMMAND prints in a log, shows its end on failure
#   scripts/step.sh --loud WHAT COMMAND… lets COMMAND print
set -uo pipefail

loud=false
if [ "$1" = --loud ]; then
    loud=true
    shift
fi
what=$1
shift
began=$(date +%s%N)

took() {
    local tenths=$((($(date +%s%N) - began) / 100000000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

if $loud; then
    printf '== %s\n' "$what"
    "$@"
    code=$?
    if [ $code -ne 0 ]; then
        printf '== %s: failed after %s: %s\n' "$what" "$(took)" "$*" >&2
    else
        printf '== %s: %s\n' "$what" "$(took)"
    fi
    exit $code
fi

log=$(mktemp "${TMPDIR:-/tmp}/surehop-step.XXXXXX")
trap 'rm -f "$log"' EXIT
printf '== %s … ' "$what"
"$@" >"$log" 2>&1 </dev/null &
child=$!
# An interrupt goes to the whole group; the step ends with its command.
trap 'wait "$child"; exit 130' INT
if [ -t 1 ]; then
    width=$(tput cols 2>/dev/null || echo 80)
    while kill -0 "$child" 2>/dev/null; do
        line="== $what … $(took)  $(tail -n 1 "$log" | tr -d '\r\t')"
        printf '\r\033[K%s' "${line:0:width-1}"
        sleep 0.2
    done
    printf '\r\033[K== %s … ' "$what"
fi
wait "$child"
code=$?
if [ $code -ne 0 ]; then
    printf 'failed after %s\n' "$(took)"
    printf '%s\n' "\$ $*" >&2
    tail -n "${STEP_LINES:-60}" "$log" >&2
    exit $code
fi
took
printf '\n'
