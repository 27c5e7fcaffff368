#!/bin/sh
# `funkygibbon upgrade` and `funkygibbon rollback`, for an installed hub.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd -P)
# shellcheck source=scripts/lib.sh
. "$root/scripts/lib.sh"

usage() {
  cat <<'TEXT'
Usage: sudo funkygibbon upgrade FOLDER|ARCHIVE [--yes] [--dry-run]
       sudo funkygibbon rollback [--yes]

  upgrade   installs the version in the folder (a checkout) or the .tar.gz archive: makes a verified backup first,
            and goes back by itself, release and home, where the new version does not become ready
  rollback  goes back to the release before; the home stays as it is where that release understands it, and comes from
            the backup made before the upgrade where it does not
TEXT
}

verb=$1
shift
source=
options=
for argument in "$@"; do
  case $argument in
  --help | -h)
    usage
    exit 0
    ;;
  --yes | -y | --dry-run) options="$options $argument" ;;
  -*)
    usage >&2
    fail "
There is no option \"$argument\"."
    ;;
  *)
    [ -z "$source" ] || fail 'Give one folder or archive.'
    source=$argument
    ;;
  esac
done

[ -r "$root/.service-user" ] || fail "This copy was not installed as a service. Install it with
  sudo $root/scripts/install.sh"

if [ "$verb" = rollback ]; then
  [ -z "$source" ] || fail 'rollback takes no folder: it goes back to the release before.'
  # Unquoted: none or several options.
  # shellcheck disable=SC2086
  exec "$root/scripts/install.sh" --rollback $options
fi

[ -n "$source" ] || {
  usage >&2
  fail '
Say where the new version is.'
}
if [ -d "$source" ]; then
  folder=$source
elif [ -f "$source" ]; then
  work=$(mktemp -d /var/tmp/funkygibbon-upgrade.XXXXXX)
  trap 'rm -rf -- "$work"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  tar -xzf "$source" -C "$work" --no-same-owner || fail "$source is no .tar.gz archive, or a torn one."
  installer=$(find "$work" -maxdepth 3 -path '*/scripts/install.sh' | head -n 1)
  folder=${installer%/scripts/install.sh}
else
  fail "There is nothing at $source."
fi
{ [ -n "$folder" ] && [ -x "$folder/scripts/install.sh" ]; } || fail "$source holds no version of FunkyGibbon."
# shellcheck disable=SC2086
"$folder/scripts/install.sh" $options
