# shellcheck shell=sh
# What is looked at before anything is changed. A problem ends the installation, a warning asks.
: "${root:?}" "${prefix:?}" "${data:?}" "${unit:?}" "${settings:?}" "${releases:?}" "${service_user:?}" "${command_link:?}"

problems=0
warnings=0

problem() {
  problems=$((problems + 1))
  say "  ✗ $*"
}

warning() {
  warnings=$((warnings + 1))
  say "  ! $*"
}

fine() {
  say "  ✓ $*"
}

check_machine() {
  say "Checking this machine for FunkyGibbon $(version_of "$root") …"
  check_system
  check_memory
  check_disk
  check_clock
  check_ports
  check_mdns
  check_checkout
  [ "$problems" -eq 0 ] || fail "Nothing was changed. Please mend what is marked ✗, then run this again."
}

check_system() {
  # A 64-bit kernel often runs a 32-bit system on a Pi.
  bits=$(getconf LONG_BIT 2>/dev/null || echo 64)
  case $(uname -s)/$(uname -m)/$bits in
  Linux/x86_64/64 | Linux/aarch64/64) fine "64-bit Linux on $(uname -m)" ;;
  *) problem "This is $(uname -s) on $(uname -m) with $bits bits; FunkyGibbon needs 64-bit Linux on x64 or arm64.
    On a Raspberry Pi 3 or later, install the 64-bit Raspberry Pi OS." ;;
  esac
  if has_systemd; then
    fine 'systemd runs'
  elif command -v systemctl >/dev/null; then
    warning 'systemd is installed but does not run here (a container or a chroot?): nothing will be started.'
  else
    problem 'There is no systemd. Without it, run ./scripts/start.sh from your own init system.'
  fi
  for tool in setpriv flock sync tar; do
    command -v "$tool" >/dev/null || problem "The command $tool is missing; it is part of Debian's util-linux, coreutils or tar."
  done
}

check_memory() {
  megabytes=$(awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo)
  if [ "$megabytes" -lt 350 ]; then
    problem "There are $megabytes MB of memory; 512 MB are needed."
  else
    fine "$megabytes MB of memory"
  fi
  # Some Raspberry Pi images switch the memory controller off, and limits of a unit do nothing then.
  if [ -r /sys/fs/cgroup/cgroup.controllers ] && ! grep -qw memory /sys/fs/cgroup/cgroup.controllers; then
    warning 'The kernel does not limit memory here (cgroup_enable=memory in cmdline.txt switches it on); the hub runs without.'
  fi
}

# free_megabytes PATH: of the file system that the path is, or will be, on.
free_megabytes() {
  place=$1
  while [ ! -e "$place" ]; do place=$(dirname -- "$place"); done
  df -Pk -- "$place" | awk 'NR == 2 { print int($4 / 1024) }'
}

check_disk() {
  # A release with its own Node has about 250 MB, and building it takes as much again for a while.
  for wanted in "$prefix 700" "$data 300"; do
    folder=${wanted% *}
    free=$(free_megabytes "$folder")
    if [ "$free" -lt "${wanted#* }" ]; then
      problem "$folder has $free MB free; ${wanted#* } MB are needed."
    else
      fine "$free MB free for $folder"
    fi
  done
}

check_clock() {
  # Older than what is to be installed: certificates, logins and histories would be wrong.
  newest=$(stat -c %Y -- "$root/package.json" "$root/CHANGELOG.md" | sort -n | tail -n 1)
  if [ "$(date +%s)" -lt "$((newest - 86400))" ]; then
    problem "The clock says $(date -u +%FT%TZ), which is before this version was made. Set it (with timedatectl), then run this again."
  else
    fine "the clock says $(date -u +%FT%TZ)"
  fi
}

# Whether some process listens on a TCP port: /proc tells without further tools.
listens_on() {
  hex=$(printf '%04X' "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}

check_ports() {
  if is_running; then
    fine 'FunkyGibbon runs already: it will be upgraded, or left as it is'
    return
  fi
  for entry in '8000 http.port' '1883 mqtt.port' '51826 homekit.port'; do
    port=${entry% *}
    key=${entry#* }
    if ! listens_on "$port"; then
      fine "port $port is free"
    elif [ -e "$settings" ] && grep -q "^ *port:" "$settings"; then
      warning "Port $port is taken; that is well where ${key} in $settings says another one."
    elif [ "$port" = 1883 ]; then
      problem "Port 1883 is taken, probably by Mosquitto. To use that broker, write into $settings first:
      mqtt:
        mode: external
        url: mqtt://localhost:1883
    or give the hub's own broker another port there (mqtt: port: 1884), or stop the other one."
    else
      problem "Port $port is taken. Give the hub another one in $settings ($key), or stop what has it."
    fi
  done
}

check_mdns() {
  if [ -S /run/avahi-daemon/socket ]; then
    fine 'avahi runs; the hub announces itself beside it'
  else
    fine 'no avahi; the hub announces itself alone'
  fi
  if [ -r /etc/avahi/avahi-daemon.conf ] && grep -q '^ *disallow-other-stacks *= *yes' /etc/avahi/avahi-daemon.conf; then
    warning 'avahi is told to keep other mDNS programs out (disallow-other-stacks=yes): set homekit.advertiser to avahi, or phones will not find the hub.'
  fi
}

check_checkout() {
  for part in package.json package-lock.json scripts/build.mjs systemd/funkygibbon.service; do
    [ -e "$root/$part" ] || problem "$root/$part is missing: this is no whole copy of FunkyGibbon."
  done
}

confirm_warnings() {
  [ "$warnings" -eq 0 ] || ask 'There are warnings (above). Install all the same?' || fail 'Nothing was changed.'
}

tell_plan() {
  say "
Would be done (nothing was changed):
  1. make the release $releases/$(version_of "$root")-… from $root: build it where dist/ is not, with production
     dependencies and its own Node only (Debian's npm is installed where npm is missing)
  2. make the system user $service_user, /etc/funkygibbon/hub.yaml where there is none, and $data
  3. put funkygibbon.service, its sysusers.d and tmpfiles.d files and $command_link in place"
  if before=$(installed_release); then
    say "  4. stop the hub, make a verified backup with $before, switch to the new release, start it, look whether it reads
     the home, and go back to $before with that backup where it does not"
  else
    say '  4. enable and start the service, wait until it is ready, and show the addresses and codes'
  fi
}
