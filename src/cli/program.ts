import { Argument, Command, CommanderError, Option } from 'commander';

import type { CommandText, OptionText, VerbText } from './command-text.ts';

import { HubError } from '../base/errors.ts';
import { COMMANDS, EXIT_TEXT, FLAGS_TEXT } from './command-table.ts';

export interface ProgramOptions {
  /** What was typed, beginning with the command. */
  readonly words: readonly string[];
  /** Carries a command out; gets the words after its name. */
  readonly run: (name: string, words: readonly string[]) => Promise<void>;
  readonly stdout: (text: string) => void;
}

/**
 * Finds the command that was typed and carries it out; shows help where that was asked for.
 * @throws HubError `invalid` for a command or a word that is not known or missing, with the nearest one.
 */
export async function runProgram({ words, run, stdout }: ProgramOptions): Promise<void> {
  let complaint = '';
  const program = buildProgram(async (name) => await run(name, words.slice(1)));
  configure(program, { stdout, complain: (text) => (complaint += text) });
  try {
    await program.parseAsync([...words], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0 || error.code === 'commander.help') return;
    throw new HubError('invalid', tidied(complaint || error.message));
  }
}

/** The commands as a tree, for help, the manual and completion. */
export function buildProgram(run: (name: string) => Promise<void> = async () => undefined): Command {
  const program = new Command('funkygibbon')
    .description('The memory and the front door of a smart home.')
    .usage('<command> [words] [flags]')
    .helpCommand('help [command]', 'print this, or the help of one command')
    .addHelpText('after', `\n${FLAGS_TEXT}\n${EXIT_TEXT}`);
  for (const text of COMMANDS) {
    const name = text.usage.split(' ', 1)[0] ?? '';
    const command = describe(program.command(name), text).summary(text.text);
    if (text.details !== undefined) command.description(`${sentence(text.text)}\n\n${text.details}`);
    command.action(async () => await run(name));
    for (const verb of text.verbs ?? []) {
      const [verbName = ''] = verb.usage.split(' ', 1);
      describe(command.command(verbName), verb).action(async () => await run(name));
    }
  }
  return program;
}

function describe(command: Command, { usage, text, options, ...rest }: CommandText | VerbText): Command {
  const choices = 'choices' in rest ? rest.choices : undefined;
  command.description(sentence(text));
  for (const word of usage.split(' ').slice(1)) {
    // Told and completed, but checked by the reader of the command, which says more.
    const isChosen = choices !== undefined && /kind|status|id/.test(word);
    command.addArgument(new Argument(word, isChosen ? `such as ${choices.join(', ')}` : ''));
  }
  for (const option of options ?? []) command.addOption(toOption(option));
  // The keys of the configuration are flags, too, and known to it alone.
  return command.allowUnknownOption().allowExcessArguments();
}

function toOption({ flags, text, choices }: OptionText): Option {
  return new Option(flags, choices === undefined ? text : `${text} (${choices.join(', ')})`);
}

function configure(
  command: Command,
  to: { readonly stdout: (text: string) => void; readonly complain: (text: string) => void },
): void {
  command
    .exitOverride()
    .configureOutput({ writeOut: to.stdout, writeErr: to.complain })
    .showSuggestionAfterError();
  for (const below of command.commands) configure(below, to);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function tidied(complaint: string): string {
  const text = complaint.replace(/^error: /, '').trim();
  return `${sentence(text.split('\n')[0] ?? '')}\n${text.split('\n').slice(1).join('\n')}`.trim();
}
