#!/bin/sh
# Installs FunkyGibbon as a service on Raspberry Pi OS, Debian or Ubuntu (64-bit), or upgrades what is installed. May be
# interrupted anywhere and run again.
set -eu

usage() {
  cat <<'TEXT'
Usage: sudo ./scripts/install.sh [--dry-run] [--yes]
       sudo ./scripts/install.sh --uninstall [--purge] [--yes]
       ./scripts/install.sh --version

  --dry-run     checks the machine and tells what would be done
  --yes         goes on where a check warns, and asks nothing
  --no-start    installs everything, and starts nothing
  --uninstall   takes the service and the program away; the home in /var/lib/funkygibbon and the settings in
                /etc/funkygibbon stay
  --purge       with --uninstall: these too, and the user. There is no way back
  --version     the version that this would install, and the one that is installed

What it makes: /opt/funkygibbon (the program with its own Node), /etc/funkygibbon/hub.yaml (your settings),
/var/lib/funkygibbon (the home), the user funkygibbon, funkygibbon.service, and the command `funkygibbon`.
TEXT
}

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=scripts/lib.sh
. "$root/scripts/lib.sh"
# shellcheck source=scripts/install/layout.sh
. "$root/scripts/install/layout.sh"
# shellcheck source=scripts/install/checks.sh
. "$root/scripts/install/checks.sh"
# shellcheck source=scripts/install/release.sh
. "$root/scripts/install/release.sh"
# shellcheck source=scripts/install/service.sh
. "$root/scripts/install/service.sh"
# shellcheck source=scripts/install/switch.sh
. "$root/scripts/install/switch.sh"
# shellcheck source=scripts/install/remove.sh
. "$root/scripts/install/remove.sh"

action=install
dry_run=no
assume_yes=no
start=yes
purge=no
for argument in "$@"; do
  case $argument in
  --dry-run) dry_run=yes ;;
  --yes | -y) assume_yes=yes ;;
  --no-start) start=no ;;
  --uninstall) action=uninstall ;;
  --purge) purge=yes ;;
  --rollback) action=rollback ;;
  --version) action=version ;;
  --help | -h)
    usage
    exit 0
    ;;
  *)
    usage >&2
    fail "
There is no option \"$argument\"."
    ;;
  esac
done
[ "$purge" = no ] || [ "$action" = uninstall ] || fail '--purge goes with --uninstall only.'

case $action in
version)
  printf 'this: %s\ninstalled: %s\n' "$(version_of "$root")" "$(installed_release || echo 'nothing')"
  exit 0
  ;;
esac

[ "$(id -u)" -eq 0 ] || [ "$dry_run" = yes ] || fail 'Please run this with sudo: it makes a user and a service.'
[ "$dry_run" = yes ] || lock_installer

case $action in
uninstall)
  uninstall
  ;;
rollback)
  roll_back
  ;;
install)
  check_machine
  if [ "$dry_run" = yes ]; then
    tell_plan
    exit 0
  fi
  confirm_warnings
  finish_interrupted
  make_release
  make_user
  make_settings
  put_service_files
  switch_release "$release"
  remove_old_releases
  tell_result
  ;;
esac
