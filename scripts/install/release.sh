# shellcheck shell=sh
# Makes a release: a folder that holds everything that the hub runs with, and that nobody changes afterwards.
: "${root:?}" "${prefix:?}" "${releases:?}" "${service_user:?}"

# What a release is made of. Everything else of a checkout (tests, sources) is not needed to run.
release_parts='package.json package-lock.json README.md CHANGELOG.md config systemd'
release_scripts='funkygibbon lib.sh install.sh install'
build_parts='src tsconfig.json tsconfig.build.json'

# Sets $release to the name of the release of this checkout, after making it where it is not there yet.
make_release() {
  need_npm
  staging=$releases/.staging
  # Left by an interrupted run; the lock says that nobody works on it.
  rm -rf -- "$staging"
  mkdir -p -- "$staging/scripts"
  chmod 755 "$prefix" "$releases" "$staging"
  copy_sources
  if is_built; then
    release=$(release_name)
    # A release gets its name once it is whole, and nobody changes it afterwards.
    if [ "$(installed_release)" = "$release" ]; then
      say "The release $release is installed already."
      rm -rf -- "$staging"
      return
    fi
    say 'The build in dist/ is that of these sources; it is taken.'
    install_dependencies --omit=dev
  else
    say 'Building (some minutes on a small Pi) …'
    install_dependencies --include=dev
    "$staging/node_modules/.bin/node" "$staging/scripts/build.mjs" || fail 'The build failed (above). Nothing was changed.'
    prune_dependencies
  fi
  release=$(release_name)
  strip_release
  check_release
  keep_release
}

release_name() {
  printf '%s-%s\n' "$(version_of "$staging")" "$(cut -c 1-8 "$staging/dist/.build-stamp")"
}

copy_sources() {
  for part in $release_parts $build_parts; do
    cp -R -- "$root/$part" "$staging/"
  done
  for script in $release_scripts build.mjs; do
    cp -R -- "$root/scripts/$script" "$staging/scripts/"
  done
  [ ! -e "$root/dist/.build-stamp" ] || cp -R -- "$root/dist" "$staging/"
}

# Whether dist/ was made of these very sources.
is_built() {
  node "$staging/scripts/build.mjs" --check 2>/dev/null
}

install_dependencies() {
  say "Installing libraries and the hub's own Node …"
  (cd "$staging" && npm ci "$@" --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error --no-progress >&2 9>&-) ||
    fail 'npm could not install the libraries (above); the network is needed for this. Nothing was changed.'
}

prune_dependencies() {
  (cd "$staging" && npm prune --omit=dev --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error >&2 9>&-) ||
    fail 'npm could not remove what only building needs (above). Nothing was changed.'
}

strip_release() {
  for part in $build_parts scripts/build.mjs; do
    rm -rf -- "${staging:?}/$part"
  done
  printf '%s\n' "$service_user" >"$staging/.service-user"
  # Read by the hub's user, changed by root alone.
  chown -R root:root -- "$staging"
  chmod -R u=rwX,go=rX -- "$staging"
}

check_release() {
  answer=$(env -i PATH="$PATH" "$staging/scripts/funkygibbon" version) ||
    fail "The new release does not run (above). Nothing was changed."
  [ "$answer" = "$(version_of "$staging")" ] || fail "The new release calls itself \"$answer\". Nothing was changed."
}

keep_release() {
  if [ "$(installed_release)" = "$release" ]; then
    say "The release $release is installed already."
    rm -rf -- "$staging"
    return
  fi
  rm -rf -- "${releases:?}/$release"
  sync -f "$staging"
  mv -- "$staging" "$releases/$release"
}

# Keeps the release that is in use and the one before it, to go back to.
remove_old_releases() {
  in_use=$(installed_release)
  before=$(cat "$prefix/previous-release" 2>/dev/null || :)
  for folder in "$releases"/*; do
    name=$(basename -- "$folder")
    case $name in
    "$in_use" | "$before" | '*') ;;
    *) rm -rf -- "$folder" ;;
    esac
  done
}
