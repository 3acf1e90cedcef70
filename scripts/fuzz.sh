#!/usr/bin/env bash
# Fuzzes: all targets for a short time, or one for as long as is said.
#
#   scripts/fuzz.sh [TARGET] [SECONDS]
#
# What is found on the way is kept in .cache/fuzz; what breaks a target, in fuzz/crashes, where `make test` finds it.
set -uo pipefail

bytes="request response chunked uri plan packets log"
all="$bytes conf doctor heads"
targets=$all
if [ $# -gt 0 ] && [[ ! $1 =~ ^[0-9]+$ ]]; then
    targets=$1
    shift
    case " $all " in
        *" $targets "*) ;;
        *)
            printf 'no target `%s`\nhint: there are %s\n' "$targets" "${all// /, }" >&2
            exit 2
            ;;
    esac
fi
seconds=${1-15}
python=.venv/bin/python

run() {
    local target=$1 found=.cache/fuzz/$1 crashes=fuzz/crashes/$1
    mkdir -p "$found" "$crashes"
    local options=(-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1
        -artifact_prefix="$crashes/")
    case $target in
        heads) $python fuzz/heads.py "$seconds" ;;
        conf) $python fuzz/conf.py "$found" fuzz/corpus/conf "${options[@]}" ;;
        doctor) $python fuzz/doctor.py "$found" fuzz/corpus/conf tests/doctor/healthy "${options[@]}" ;;
        # A thread that has ended, though not for the C library yet, is taken for a leak.
        log) cargo +nightly fuzz run log "$found" fuzz/corpus/log -- "${options[@]}" -detect_leaks=0 ;;
        *) cargo +nightly fuzz run "$target" "$found" "fuzz/corpus/$target" -- "${options[@]}" ;;
    esac
    local code=$?
    rmdir --ignore-fail-on-non-empty "$crashes"
    return $code
}

failed=
for target in $targets; do
    if [[ " $bytes " == *" $target "* ]]; then
        scripts/need.sh fuzz || { failed="$failed $target"; continue; }
    fi
    # The module is built for the Pythons that most have; another does without this one.
    if [[ $target =~ ^(conf|doctor)$ ]] && ! $python -c 'import atheris' 2>/dev/null; then
        echo "== fuzzing $target: atheris is not here for $($python -V), so it is left out"
        continue
    fi
    echo "== fuzzing $target for $seconds s"
    run "$target" || failed="$failed $target"
done
if [ -n "$failed" ]; then
    echo "fuzz:$failed failed" >&2
    exit 1
fi
echo "== nothing was found"
