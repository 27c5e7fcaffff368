#!/bin/sh
# Starts the hub in the foreground, after installing and building what it lacks.
#
#   scripts/start.sh [--demo] [flags of the hub, such as --http.port 8080]
#
# --demo adds a simulated house, to look around in without any device; --phone is a phone on the terminal, which syncs
# with the demo or with your hub (--hub URL --username NAME --password-file FILE).
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/lib.sh
. "$root/scripts/lib.sh"

install_modules

# exec, so that Ctrl-C and SIGTERM reach the hub and not a shell in between.
run_script() {
  exec "$node" --disable-warning=ExperimentalWarning --import "$root/node_modules/tsx/dist/loader.mjs" "$@"
}
case "${1-}" in
--demo)
  shift
  # For `scripts/funkygibbon devices` and its like, which a newcomer tries beside it.
  "$node" "$root/scripts/build.mjs"
  run_script "$root/scripts/demo.ts" "$@"
  ;;
--phone)
  shift
  run_script "$root/scripts/demo/phone.ts" "$@"
  ;;
esac
"$node" "$root/scripts/build.mjs"
exec "$root/scripts/funkygibbon" start "$@"
