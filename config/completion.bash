# Completion of funkygibbon for bash: made by "funkygibbon completion bash".
_funkygibbon() {
  local word path='' words='' current=${COMP_WORDS[COMP_CWORD]}
  local -i at
  for ((at = 1; at < COMP_CWORD && at < 3; at++)); do
    word=${COMP_WORDS[at]}
    [[ $word == -* ]] && break
    path=${path:+$path }$word
  done
  while :; do
    case $path in
    '') words='start pair status doctor logs users devices mqtt accessories homekit energy suggestions automations reports jobs backup restore upgrade rollback export import seed config completion version --config --data-dir --help' ;;
    'start') words='--config --data-dir --help' ;;
    'pair') words='--phone --json --config --data-dir --help' ;;
    'status') words='--json --config --data-dir --help' ;;
    'doctor') words='--json --config --data-dir --help' ;;
    'logs') words='--follow --level --part --lines --config --data-dir --help' ;;
    'users') words='list add role password remove --json --config --data-dir --help' ;;
    'users list') words='--json --config --data-dir --help' ;;
    'users add') words='--role --days --no-password --json --config --data-dir --help' ;;
    'users role') words='--json --config --data-dir --help' ;;
    'users password') words='--json --config --data-dir --help' ;;
    'users remove') words='--yes --json --config --data-dir --help' ;;
    'devices') words='--json --config --data-dir --help' ;;
    'mqtt') words='status ghosts forget sniff users --json --config --data-dir --help' ;;
    'mqtt status') words='--json --config --data-dir --help' ;;
    'mqtt ghosts') words='--hours --json --config --data-dir --help' ;;
    'mqtt forget') words='--json --config --data-dir --help' ;;
    'mqtt sniff') words='--seconds --json --config --data-dir --help' ;;
    'mqtt users') words='--json --config --data-dir --help' ;;
    'accessories') words='list pair remove --json --config --data-dir --help' ;;
    'accessories list') words='--json --config --data-dir --help' ;;
    'accessories pair') words='--json --config --data-dir --help' ;;
    'accessories remove') words='--force --json --config --data-dir --help' ;;
    'homekit') words='accessories check set --svg --bridge --json --config --data-dir --help' ;;
    'homekit accessories') words='--svg --bridge --json --config --data-dir --help' ;;
    'homekit check') words='--svg --bridge --json --config --data-dir --help' ;;
    'homekit set') words='--excluded --bridge --alone --renew --invert-opening --invert-tilt --component --confirm --svg --json --config --data-dir --help' ;;
    'energy') words='--days --json --config --data-dir --help' ;;
    'suggestions') words='list accept dismiss restore --json --config --data-dir --help' ;;
    'suggestions list') words='--locks --json --config --data-dir --help' ;;
    'suggestions accept') words='--json --config --data-dir --help' ;;
    'suggestions dismiss') words='--json --config --data-dir --help' ;;
    'suggestions restore') words='--json --config --data-dir --help' ;;
    'automations') words='list show enable disable approve run history check --json --config --data-dir --help' ;;
    'automations list') words='--json --config --data-dir --help' ;;
    'automations show') words='--json --config --data-dir --help' ;;
    'automations enable') words='--json --config --data-dir --help' ;;
    'automations disable') words='--json --config --data-dir --help' ;;
    'automations approve') words='--json --config --data-dir --help' ;;
    'automations run') words='--force --json --config --data-dir --help' ;;
    'automations history') words='--limit --json --config --data-dir --help' ;;
    'automations check') words='--json --config --data-dir --help' ;;
    'reports') words='list show make send --json --config --data-dir --help' ;;
    'reports list') words='--kind --json --config --data-dir --help' ;;
    'reports show') words='--html --json --config --data-dir --help' ;;
    'reports make') words='--json --config --data-dir --help' ;;
    'reports send') words='--json --config --data-dir --help' ;;
    'jobs') words='list run history --json --config --data-dir --help' ;;
    'jobs list') words='--json --config --data-dir --help' ;;
    'jobs run') words='--json --config --data-dir --help' ;;
    'jobs history') words='--limit --json --config --data-dir --help' ;;
    'backup') words='create list verify restore --json --config --data-dir --help' ;;
    'backup create') words='--to --passphrase-file --json --config --data-dir --help' ;;
    'backup list') words='--json --config --data-dir --help' ;;
    'backup verify') words='--passphrase-file --json --config --data-dir --help' ;;
    'backup restore') words='--yes --passphrase-file --json --config --data-dir --help' ;;
    'restore') words='--yes --passphrase-file --json --config --data-dir --help' ;;
    'upgrade') words='--yes --dry-run --config --data-dir --help' ;;
    'rollback') words='--yes --config --data-dir --help' ;;
    'export') words='--mode --force --json --config --data-dir --help' ;;
    'import') words='--dry-run --json --config --data-dir --help' ;;
    'seed') words='--dry-run --force --json --config --data-dir --help' ;;
    'config') words='check print schema --config --data-dir --help' ;;
    'config check') words='--config --data-dir --help' ;;
    'config print') words='--json --config --data-dir --help' ;;
    'config schema') words='--config --data-dir --help' ;;
    'completion') words='bash zsh fish --config --data-dir --help' ;;
    'completion bash') words='--config --data-dir --help' ;;
    'completion zsh') words='--config --data-dir --help' ;;
    'completion fish') words='--config --data-dir --help' ;;
    'version') words='--config --data-dir --help' ;;
    esac
    [[ -n $words || $path != *' '* ]] && break
    path=${path% *}
  done
  if [[ $current != -* && ${COMP_WORDS[COMP_CWORD - 1]} == --* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -o bashdefault -o default -F _funkygibbon funkygibbon
