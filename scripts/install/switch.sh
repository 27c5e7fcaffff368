# shellcheck shell=sh
# From one release to another, and back where the new one does not work. What is going on is written down first, so
# that a run that was interrupted (or lost its power) is finished by the next one.
: "${prefix:?}" "${releases:?}" "${current:?}" "${journal:?}" "${data:?}" "${settings:?}" "${unit:?}"

# switch_release RELEASE
switch_release() {
  wanted=$1
  before=$(installed_release || :)
  if [ "${start:?}" = no ]; then
    point_link "$releases/$wanted" "$current"
    say 'Installed; not started, as asked.'
    return
  fi
  if [ "$before" = "$wanted" ]; then
    is_running && return
    start_service && check_home "$wanted" 0 && return
    tell_log
    fail "The hub does not start. See above, and \"systemctl status funkygibbon\"."
  fi
  if [ -z "$before" ]; then
    point_link "$releases/$wanted" "$current"
    start_service && check_home "$wanted" 0 && return
    tell_log
    fail 'The hub was installed but does not start. Mend what it says above, then run this again.'
  fi
  upgrade_from "$before" "$wanted"
}

# upgrade_from BEFORE WANTED
upgrade_from() {
  say "Upgrading from $1 to $2."
  known=$(count_entities "$1")
  was_running=no
  ! is_running || was_running=yes
  stop_service
  backup=$(make_backup "$1") || {
    [ "$was_running" = no ] || start_service
    fail "No good backup could be made (above), so $1 stays. Nothing was changed."
  }
  write_file 600 "$journal" <<TEXT
before=$1
wanted=$2
backup=$backup
TEXT
  point_link "$releases/$2" "$current"
  sync -f "$prefix"
  if start_service && check_home "$2" "$known"; then
    printf '%s\n' "$1" | write_file 644 "$prefix/previous-release"
    printf '%s\n' "$backup" | write_file 600 "$prefix/previous-backup"
    rm -f -- "$journal"
    say "Upgraded. \"sudo funkygibbon rollback\" goes back to $1."
    return
  fi
  tell_log
  return_to "$1" "$backup"
  fail "$2 did not become ready, so $1 is in use again, with the home as it was before. Nothing was lost."
}

# return_to RELEASE BACKUP: the release before, with the home as it was.
return_to() {
  say "Going back to $1 …"
  stop_service
  restore_backup "$1" "$2"
  point_link "$releases/$1" "$current"
  install -D -m 644 -- "$releases/$1/systemd/funkygibbon.service" "$unit"
  sync -f "$prefix"
  rm -f -- "$journal"
  start_service || {
    tell_log
    fail "The release $1 does not start any more either. The home is safe: $2 is a backup of it."
  }
}

# A switch that lost its power half-way: nobody knows whether the new release works, so it begins anew from the old one.
finish_interrupted() {
  [ -e "$journal" ] || return 0
  before=$(sed -n 's/^before=//p' "$journal")
  wanted=$(sed -n 's/^wanted=//p' "$journal")
  backup=$(sed -n 's/^backup=//p' "$journal")
  if [ "$(installed_release)" = "$wanted" ] && is_running && check_home "$wanted" 0; then
    say "The upgrade to $wanted was interrupted, but works."
    printf '%s\n' "$before" | write_file 644 "$prefix/previous-release"
    printf '%s\n' "$backup" | write_file 600 "$prefix/previous-backup"
    rm -f -- "$journal"
    return
  fi
  say "An upgrade from $before to $wanted was interrupted."
  return_to "$before" "$backup"
}

# make_backup RELEASE: a verified backup of a home on which no hub runs; prints its path.
make_backup() {
  if [ ! -e "$data/funkygibbon.db" ]; then
    return 0
  fi
  say 'Making a backup …'
  as_service_user "$releases/$1/scripts/funkygibbon" backup create --config "$settings" --json |
    sed -n 's/.*"path": *"\([^"]*\)".*/\1/p' | head -n 1 | grep .
}

# restore_backup RELEASE BACKUP
restore_backup() {
  [ -n "$2" ] || return 0
  as_service_user "$releases/$1/scripts/funkygibbon" backup restore "$2" --config "$settings" --yes >&2 ||
    fail "The backup $2 could not be restored (above). The home is in it: run
  sudo funkygibbon backup restore $2
once what is said above is mended."
}

# How many things the home has, as the running hub tells; 0 where it does not.
count_entities() {
  is_running || {
    echo 0
    return
  }
  entities=$(as_service_user "$releases/$1/scripts/funkygibbon" status --config "$settings" --json 2>/dev/null |
    sed -n 's/.*"entities": *\([0-9]*\).*/\1/p' | head -n 1)
  echo "${entities:-0}"
}

# check_home RELEASE KNOWN: whether the hub that runs now reads the home, and all of it.
check_home() {
  has_systemd || return 0
  found=$(count_entities "$1")
  if [ "$found" -lt "$2" ]; then
    say "The home had $2 things before, and the new release finds $found."
    return 1
  fi
  as_service_user "$releases/$1/scripts/funkygibbon" status --config "$settings" >/dev/null || {
    say 'The hub runs but does not answer.'
    return 1
  }
}

# Back to the release before this one. The home stays as it is where the old release understands it.
roll_back() {
  finish_interrupted
  before=$(cat "$prefix/previous-release" 2>/dev/null || :)
  now=$(installed_release) || fail 'Nothing is installed.'
  { [ -n "$before" ] && [ -d "$releases/$before" ] && [ "$before" != "$now" ]; } ||
    fail "There is no release before $now to go back to."
  backup=$(cat "$prefix/previous-backup" 2>/dev/null || :)
  ask "Go back from $now to $before?" || fail 'Nothing was changed.'
  stop_service
  # First with the home as it is: what was done since the upgrade stays then.
  newest=$(make_backup "$now") || fail "No good backup could be made (above). Nothing was changed; start the hub again with
  sudo systemctl start funkygibbon"
  write_file 600 "$journal" <<TEXT
before=$now
wanted=$before
backup=$newest
TEXT
  point_link "$releases/$before" "$current"
  install -D -m 644 -- "$releases/$before/systemd/funkygibbon.service" "$unit"
  if start_service && check_home "$before" 0; then
    say "$before is in use again, with everything that was done since."
  else
    say "$before does not understand the home as $now left it: it gets the backup from before the upgrade."
    [ -n "$backup" ] || return_to_newer "$now" "$newest"
    stop_service
    restore_backup "$before" "$backup"
    start_service || return_to_newer "$now" "$newest"
    say "$before is in use again, with the home as it was before the upgrade. What was done since is in $newest."
  fi
  printf '%s\n' "$now" | write_file 644 "$prefix/previous-release"
  printf '%s\n' "$newest" | write_file 600 "$prefix/previous-backup"
  rm -f -- "$journal"
}

return_to_newer() {
  tell_log
  return_to "$1" "$2"
  fail "The release before does not start. $1 is in use, as it was."
}

tell_result() {
  say "
FunkyGibbon $(version_of "$current") is installed.
  settings: $settings    the home: $data    log: journalctl -u funkygibbon"
  if is_running; then
    as_service_user "$current/scripts/funkygibbon" pair --config "$settings" || :
    say "
\"sudo funkygibbon pair\" shows this again, \"sudo funkygibbon help\" what else there is."
  fi
}
