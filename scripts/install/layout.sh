# shellcheck shell=sh
# Where everything lies, and small things that the other files here share.
# shellcheck disable=SC2034 # used by the files that are read beside this one
: "${root:?}"

prefix=/opt/funkygibbon
releases=$prefix/releases
current=$prefix/current
settings=/etc/funkygibbon/hub.yaml
data=/var/lib/funkygibbon
units=/etc/systemd/system
unit=$units/funkygibbon.service
drop_ins=$units/funkygibbon.service.d
command_link=/usr/local/bin/funkygibbon
service_user=funkygibbon
# Tells a run that was interrupted what was going on: the release before, the backup, the release that was to come.
journal=$prefix/upgrade-in-progress

version_of() {
  sed -n 's/^ *"version": *"\([^"]*\)".*/\1/p' "$1/package.json" | head -n 1
}

# The name of the release that is in use; 1 where nothing is installed.
installed_release() {
  [ -L "$current" ] && [ -d "$current/" ] && basename -- "$(readlink -- "$current")"
}

# Points a link elsewhere in one step: there is no moment without it.
point_link() {
  ln -s -- "$1" "$2.new.$$"
  mv -T -- "$2.new.$$" "$2"
}

# Writes a file whole or not at all, from standard input. write_file MODE PATH
write_file() {
  temporary=$2.new.$$
  cat >"$temporary"
  chmod "$1" "$temporary"
  sync -- "$temporary"
  mv -- "$temporary" "$2"
}

# Two installers at once would take each other's half-made folders for leftovers.
lock_installer() {
  mkdir -p -- "$prefix"
  exec 9>"$prefix/.install.lock"
  flock -n 9 || fail 'Another installation, upgrade or rollback is running. Wait for it to end.'
}

# Asks the person at the terminal; without one the answer is no.
ask() {
  [ "${assume_yes:-no}" = yes ] && return 0
  if [ ! -t 0 ]; then
    say "$1 Say --yes to go on without being asked."
    return 1
  fi
  printf '%s [y/N] ' "$1" >&2
  read -r answer
  case $answer in [yY]*) return 0 ;; esac
  return 1
}

# Runs a command as the hub's own user, with nothing of the caller's environment.
as_service_user() {
  setpriv --reuid="$service_user" --regid="$service_user" --init-groups --reset-env "$@" 9>&-
}
