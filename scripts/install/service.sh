# shellcheck shell=sh
# The user, the settings, and what systemd is told.
: "${root:?}" "${prefix:?}" "${data:?}" "${unit:?}" "${settings:?}" "${service_user:?}" "${releases:?}" "${current:?}" "${drop_ins:?}" "${command_link:?}"

# Whether systemd runs this machine (and not only lies on its disk).
has_systemd() {
  [ -d /run/systemd/system ] && command -v systemctl >/dev/null
}

is_running() {
  has_systemd && systemctl is-active --quiet funkygibbon.service
}

make_user() {
  install -D -m 644 -- "$releases/${release:?}/systemd/funkygibbon.sysusers.conf" /etc/sysusers.d/funkygibbon.conf
  install -D -m 644 -- "$releases/$release/systemd/funkygibbon.tmpfiles.conf" /etc/tmpfiles.d/funkygibbon.conf
  systemd-sysusers /etc/sysusers.d/funkygibbon.conf
  systemd-tmpfiles --create /etc/tmpfiles.d/funkygibbon.conf
}

# The person's settings are never rewritten; only read they must be, by the hub's user.
make_settings() {
  if [ -e "$settings" ]; then
    as_service_user test -r "$settings" || {
      chgrp "$service_user" "$settings"
      chmod g+r "$settings"
    }
    return
  fi
  write_file 640 "$settings" <<TEXT
# The settings of this hub. Nothing needs to be set. Every key, with its meaning and default:
#   $current/config/hub.example.yaml
# After a change: sudo systemctl restart funkygibbon

data_dir: $data
TEXT
  chgrp "$service_user" "$settings"
}

put_service_files() {
  from=$releases/$release/systemd
  install -D -m 644 -- "$from/funkygibbon.service" "$unit"
  megabytes=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
  if [ "$megabytes" -lt 700 ]; then
    install -D -m 644 -- "$from/drop-ins/low-memory.conf" "$drop_ins/low-memory.conf"
  fi
  mkdir -p -- "$(dirname -- "$command_link")"
  point_link "$current/scripts/funkygibbon" "$command_link"
  put_extras
}

# The manual and the completion of shells; a system that has no place for them does without.
put_extras() {
  from=$releases/$release/config
  if [ -e "$from/funkygibbon.1" ]; then
    install -D -m 644 -- "$from/funkygibbon.1" /usr/local/share/man/man1/funkygibbon.1
  fi
  if [ -e "$from/completion.bash" ]; then
    install -D -m 644 -- "$from/completion.bash" /usr/share/bash-completion/completions/funkygibbon
  fi
}

# Starts the service and waits until it says that it is ready. 1 where it does not get there.
start_service() {
  if ! has_systemd; then
    say 'systemd does not run here: the hub was not started.'
    return 0
  fi
  systemctl daemon-reload
  systemctl enable --quiet funkygibbon.service
  # A unit that failed too often is not tried again otherwise.
  systemctl reset-failed funkygibbon.service 2>/dev/null || :
  say 'Starting the hub …'
  systemctl restart funkygibbon.service
}

stop_service() {
  is_running || return 0
  say 'Stopping the hub …'
  systemctl stop funkygibbon.service
}

# What the hub said last, for whoever has to find out why it does not start.
tell_log() {
  command -v journalctl >/dev/null || return 0
  say 'Its last words:'
  journalctl -u funkygibbon.service -n 15 --no-pager -o cat >&2 || :
}
