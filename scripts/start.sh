#!/bin/sh
# Starts the hub in the foreground, after installing and building what it lacks.
#
#   scripts/start.sh [--demo] [flags of the hub, such as --http.port 8080]
#
# --demo adds a simulated house, to look around in without any device.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/lib.sh
. "$root/scripts/lib.sh"

install_modules

# exec, so that Ctrl-C and SIGTERM reach the hub and not a shell in between.
if [ "${1-}" = --demo ]; then
  shift
  exec "$node" --disable-warning=ExperimentalWarning --import "$root/node_modules/tsx/dist/loader.mjs" \
    "$root/scripts/demo.ts" "$@"
fi
"$node" "$root/scripts/build.mjs"
exec "$root/scripts/funkygibbon" start "$@"
