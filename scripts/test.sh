#!/bin/sh
# Checks everything: lint, format, types, build, tests. The last line says `N passed, N failed`.
#
#   scripts/test.sh [arguments for vitest, such as test/config]
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/lib.sh
. "$root/scripts/lib.sh"

install_modules
cd "$root"
# Tools that begin with `env node` find the right one.
PATH=$root/node_modules/.bin:$PATH
export PATH

# Some tests need Debian packages that the hub itself does not. optional_package PACKAGES SKIPPED TEST-COMMAND…
optional_package() {
  packages=$1
  skipped=$2
  shift 2
  "$@" >/dev/null 2>&1 && return
  if [ "$(id -u)" -eq 0 ]; then
    # Unquoted: several packages in one argument.
    # shellcheck disable=SC2086
    apt_install $packages && return
  fi
  say "$packages not found: $skipped will be skipped."
}

has_compiler() {
  command -v gcc && [ -e /usr/include/stdio.h ]
}

optional_package 'gcc libc6-dev' 'the power-cut tests' has_compiler
optional_package 'iproute2' 'the tests in network namespaces' command -v ip
has_mosquitto() {
  # Debian puts it where only root looks for programs.
  command -v mosquitto || [ -x /usr/sbin/mosquitto ]
}

optional_package 'mosquitto' 'the tests against Mosquitto' has_mosquitto
optional_package 'chromium' 'the pages in a browser' command -v chromium
optional_package 'systemd' 'the checks of the unit' command -v systemd-analyze

failed_checks=0
check() {
  say "· $1"
  shift
  "$@" >&2 || failed_checks=$((failed_checks + 1))
}

check 'lint' "$node" --run lint
check 'format' "$node" --run format:check
check 'types' "$node" --run typecheck
check 'build' "$node" scripts/build.mjs

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say '· tests'
code=0
"$node" node_modules/vitest/vitest.mjs run --reporter=default --reporter=json \
  --outputFile.json="$work/report.json" "$@" >&2 || code=$?
"$node" scripts/count-tests.ts "$work/report.json" "$code" "$failed_checks"
