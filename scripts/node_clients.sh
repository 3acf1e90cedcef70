#!/usr/bin/env bash
# Installs Node's HTTP clients into .cache/node, for the tests of the lab and for bench-client.
set -euo pipefail
cd "$(dirname "$0")/.."

# undici 8 wants a newer Node than the one whose incidents are reproduced.
wanted="axios@1 axios-retry@4 undici@7"
folder=.cache/node

for tool in node npm; do
    command -v $tool >/dev/null || {
        echo "missing: $tool" >&2
        echo "hint: Node's clients need Node with npm: https://nodejs.org, or sudo apt-get install nodejs npm" >&2
        exit 1
    }
done

if [ "$(cat $folder/wanted 2>/dev/null)" != "$wanted" ]; then
    rm -rf $folder
    mkdir -p $folder
    # shellcheck disable=SC2086  # a word is a package
    npm install --silent --no-audit --no-fund --no-save --prefix $folder $wanted
    echo "$wanted" >$folder/wanted
fi
