# shellcheck shell=sh
# Takes everything away again that the installation made.
: "${prefix:?}" "${data:?}" "${unit:?}" "${settings:?}" "${service_user:?}" "${command_link:?}" "${drop_ins:?}"

uninstall() {
  if [ "${dry_run:?}" = yes ]; then
    say "Would be removed: funkygibbon.service, $prefix, $command_link"
    [ "${purge:?}" = no ] || say "… and with --purge $data, $(dirname -- "$settings") and the user $service_user"
    return
  fi
  if [ "$purge" = yes ]; then
    ask "This removes the home in $data with its backups, and Apple Home forgets its rooms and scenes. Remove it for ever?" ||
      fail 'Nothing was changed.'
  fi
  if has_systemd; then
    systemctl disable --now --quiet funkygibbon.service 2>/dev/null || :
  fi
  rm -f -- "$unit" /etc/sysusers.d/funkygibbon.conf /etc/tmpfiles.d/funkygibbon.conf "$command_link"
  rm -f -- /usr/local/share/man/man1/funkygibbon.1 /usr/share/bash-completion/completions/funkygibbon
  rm -f -- "$drop_ins/low-memory.conf"
  rmdir -- "$drop_ins" 2>/dev/null || :
  rm -rf -- "${prefix:?}" /var/cache/funkygibbon
  ! has_systemd || systemctl daemon-reload
  if [ "$purge" = yes ]; then
    rm -rf -- "${data:?}" /etc/funkygibbon
    if id "$service_user" >/dev/null 2>&1; then userdel "$service_user"; fi
    say 'FunkyGibbon and the home are removed.'
  else
    say "FunkyGibbon is removed. The home stays in $data, the settings in $settings; --purge takes them, too."
  fi
}
