import type { Command } from 'commander';

import { EXIT_TEXT, FLAGS_TEXT } from './command-table.ts';

/** The manual page funkygibbon(1), in the language of man(7). */
export function manualPage(program: Command, version: string): string {
  return [
    `.\\" Made from the table of commands; see src/cli/manual.ts.`,
    `.TH FUNKYGIBBON 1 "" "FunkyGibbon ${version}" "User commands"`,
    '.SH NAME',
    'funkygibbon \\- the memory and the front door of a smart home',
    '.SH SYNOPSIS',
    '.B funkygibbon',
    '.I command',
    '[words] [flags]',
    '.SH DESCRIPTION',
    text(
      'A hub that finds MQTT devices, keeps them and everything else about the home in one SQLite database, shows them to ' +
        'Apple Home, and lets the phones of the household sync and follow it. The commands below start it and talk to the ' +
        'one that runs.',
    ),
    '.SH COMMANDS',
    ...program.commands.filter((command) => command.name() !== 'help').flatMap(commandLines),
    '.SH FLAGS',
    text(FLAGS_TEXT),
    text('Later wins: default, file, environment (FUNKYGIBBON_SECTION__KEY), flag.'),
    '.SH EXIT STATUS',
    text(EXIT_TEXT),
    '.SH FILES',
    '.TP',
    '.I /etc/funkygibbon/hub.yaml',
    text('The settings. /opt/funkygibbon/current/config/hub.example.yaml has every key.'),
    '.TP',
    '.I /var/lib/funkygibbon',
    text('The home of an installed hub: one database, keys, and backups.'),
    '.SH SEE ALSO',
    '.BR journalctl (1),',
    '.BR systemctl (1)',
    '',
  ].join('\n');
}

function commandLines(command: Command): string[] {
  const verbs = command.commands.filter((verb) => verb.name() !== 'help');
  return [
    `.SS ${bold(usage(command))}`,
    ...command
      .description()
      .split('\n\n')
      .flatMap((part, index) => (index === 0 ? [text(part)] : ['.PP', text(part)])),
    ...optionLines(command),
    ...verbs.flatMap((verb) => [
      '.TP',
      bold(`${command.name()} ${usage(verb)}`),
      text(verb.description()),
      ...(verb.options.length === 0 ? [] : ['.RS', ...optionLines(verb), '.RE']),
    ]),
  ];
}

function usage(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? ' ...' : ''}`;
    return argument.required ? name.toUpperCase() : `[${name.toUpperCase()}]`;
  });
  return [command.name(), ...words].join(' ');
}

function optionLines(command: Command): string[] {
  return command.options.flatMap(({ flags, description }) => ['.TP', bold(flags), text(description)]);
}

function bold(words: string): string {
  return `\\fB${escaped(words)}\\fR`;
}

function text(words: string): string {
  return escaped(words).replace(/^(?=[.'])/gm, '\\&');
}

function escaped(words: string): string {
  return words.replaceAll('\\', '\\e').replaceAll('-', '\\-');
}
