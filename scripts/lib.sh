# shellcheck shell=sh
# Shared by the scripts beside it, which set $root to the checkout. What people read goes to standard error:
# standard output belongs to the hub's `ready` line and to test.sh's last line.
: "${root:?}"

say() {
  printf '%s\n' "$*" >&2
}

fail() {
  say "$*"
  exit 1
}

major_version() {
  "$1" --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p'
}

# Sets $node to a Node that runs the hub: the one the lockfile brings, else a new enough one on the PATH.
find_node() {
  node=$root/node_modules/.bin/node
  [ -x "$node" ] && return
  node=$(command -v node || :)
  version=$(major_version "${node:-false}")
  [ "${version:-0}" -ge 26 ] && return
  fail "FunkyGibbon brings its own Node for 64-bit Linux on x64 and arm64, and it is not here.
Run \"npm ci\" in $root, or install Node 26."
}

# Runs a command as root where that is possible; 1 where it is not.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif ! command -v sudo >/dev/null; then
    return 1
  elif sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ]; }; then
    sudo "$@"
  else
    return 1
  fi
}

# Installs Debian packages; 1 where that is not possible.
apt_install() {
  command -v apt-get >/dev/null || return 1
  as_root true || return 1
  # A fresh system has no package lists yet.
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >&2 && return
  as_root apt-get update -qq >&2 || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >&2
}

need_npm() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    say 'Node and npm are missing; asking apt for them …'
    apt_install nodejs npm || fail 'Please install Node 20 or newer with npm, then run this again.'
  fi
  version=$(major_version node)
  [ "${version:-0}" -ge 20 ] || fail "Node ${version:-(unknown)} is too old to install FunkyGibbon.
Please install Node 20 or newer with npm, then run this again."
}

# Makes node_modules what package-lock.json says. npm writes the inner lock file last, so it also tells a whole
# installation from an interrupted one.
install_modules() {
  installed=$root/node_modules/.package-lock.json
  if [ ! -e "$installed" ] || [ -n "$(find "$root/package-lock.json" -newer "$installed")" ]; then
    need_npm
    say 'Installing what FunkyGibbon needs (a minute or two the first time) …'
    (cd "$root" && npm ci --include=dev --include=optional --loglevel=error --no-progress >&2) ||
      fail 'npm could not install the dependencies. See above; the network is needed this one time.'
  fi
  find_node
}
