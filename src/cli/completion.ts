import type { Command } from 'commander';

import { HubError } from '../base/errors.ts';

interface Words {
  /** The command, or the command and its verb. */
  readonly path: readonly string[];
  readonly verbs: readonly { readonly name: string; readonly text: string }[];
  readonly flags: readonly { readonly name: string; readonly text: string }[];
}

/**
 * A script that makes a shell complete commands, verbs and flags.
 * @param shell bash, zsh or fish
 * @throws HubError `invalid` for another shell
 */
export function completionScript(shell: string, program: Command): string {
  const known = SCRIPTS.get(shell);
  if (known) return known(collect(program));
  throw new HubError('invalid', `There is completion for ${[...SCRIPTS.keys()].join(', ')}.`);
}

/** @param inherited flags of the command, which its verbs take, too */
function collect(command: Command, path: readonly string[] = [], inherited: Words['flags'] = []): Words[] {
  const own = command.options.map(({ long, short, description }) => ({
    name: long ?? short ?? '',
    text: description,
  }));
  const flags = [...own, ...inherited.filter(({ name }) => !own.some((flag) => flag.name === name))];
  const verbs = command.commands.map((verb) => ({
    name: verb.name(),
    text: verb.summary() || verb.description().split('\n', 1)[0] || '',
  }));
  return [
    { path, verbs, flags },
    ...command.commands.flatMap((verb) => collect(verb, [...path, verb.name()], flags)),
  ];
}

/** `commands`, `commands_mqtt`, `commands_mqtt_ghosts` */
function caseOf({ path }: Words): string {
  return path.join(' ');
}

function bash(all: readonly Words[]): string {
  const cases = all.map((words) => {
    const list = [...words.verbs, ...words.flags].map(({ name }) => name);
    return `    '${caseOf(words)}') words='${[...list, '--config', '--data-dir', '--help'].join(' ')}' ;;`;
  });
  return `# Completion of funkygibbon for bash: made by "funkygibbon completion bash".
_funkygibbon() {
  local word path='' words='' current=\${COMP_WORDS[COMP_CWORD]}
  local -i at
  for ((at = 1; at < COMP_CWORD && at < 3; at++)); do
    word=\${COMP_WORDS[at]}
    [[ $word == -* ]] && break
    path=\${path:+$path }$word
  done
  while :; do
    case $path in
${cases.join('\n')}
    esac
    [[ -n $words || $path != *' '* ]] && break
    path=\${path% *}
  done
  if [[ $current != -* && \${COMP_WORDS[COMP_CWORD - 1]} == --* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  fi
}
complete -o bashdefault -o default -F _funkygibbon funkygibbon
`;
}

function zsh(all: readonly Words[]): string {
  return `#compdef funkygibbon
# Completion of funkygibbon for zsh: made by "funkygibbon completion zsh".
autoload -U +X bashcompinit && bashcompinit
mapfile() { COMPREPLY=(\${(f)"$(cat)"}) }
${bash(all)}`;
}

function fish(all: readonly Words[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = all.flatMap(({ path, verbs, flags }) => {
    const [command, verb] = path;
    const seen = verbs.map(({ name }) => name).join(' ');
    const when =
      command === undefined
        ? '__fish_use_subcommand'
        : verb === undefined
          ? `__fish_seen_subcommand_from ${command}${seen && `; and not __fish_seen_subcommand_from ${seen}`}`
          : `__fish_seen_subcommand_from ${command}; and __fish_seen_subcommand_from ${verb}`;
    return [
      ...verbs.map(
        ({ name, text }) => `complete -c funkygibbon -f -n ${quote(when)} -a ${name} -d ${quote(text)}`,
      ),
      ...flags.map(
        ({ name, text }) =>
          `complete -c funkygibbon -n ${quote(when)} -l ${name.replace(/^-+/, '')} -d ${quote(text)}`,
      ),
    ];
  });
  return `# Completion of funkygibbon for fish: made by "funkygibbon completion fish".
${lines.join('\n')}
`;
}

const SCRIPTS = new Map([
  ['bash', bash],
  ['zsh', zsh],
  ['fish', fish],
]);
