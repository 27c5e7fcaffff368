/*
 * Every command of `funkygibbon`, as help, the manual and the completion of shells tell of it. The words themselves are
 * read by the command's own reader.
 */

import type { CommandText, OptionText } from './command-text.ts';

const JSON_OPTION: OptionText = { flags: '--json', text: 'print the answer as JSON' };
const PASSPHRASE: OptionText = {
  flags: '--passphrase-file <file>',
  text: 'in place of backup.passphrase',
};
const YES: OptionText = { flags: '-y, --yes', text: 'do not ask' };
const KINDS = ['daily', 'weekly', 'monthly'] as const;
const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const COMMANDS: readonly CommandText[] = [
  { usage: 'start', text: 'run the hub in the foreground (the default)' },
  {
    usage: 'pair',
    text: "show the HomeKit code, the owner's setup link and the MQTT credentials",
    options: [
      {
        flags: '--phone [user]',
        text: 'also a QR code that pairs one phone, of the user or the owner, for ten minutes',
      },
      JSON_OPTION,
    ],
  },
  { usage: 'status', text: 'show what the running hub does', options: [JSON_OPTION] },
  {
    usage: 'doctor',
    text: 'look for problems of the hub and of the machine around it, and say what to do',
    details:
      'Ends with 1 where there is a problem. Where no hub runs it looks at what keeps one from starting.',
    options: [JSON_OPTION],
  },
  {
    usage: 'logs',
    text: "the last lines of the running hub's log",
    options: [
      { flags: '-f, --follow', text: 'go on with what comes' },
      {
        flags: '--level <level>',
        text: 'this level and above',
        choices: ['trace', 'debug', 'info', 'warn', 'error'],
      },
      { flags: '--part <part>', text: 'of one part of the hub, such as mqtt' },
      { flags: '--lines <n>', text: 'how many' },
    ],
  },
  {
    usage: 'users',
    text: 'the people of the home',
    details:
      'A password is asked for at the terminal, or read from standard input. What people may do is in the README.',
    options: [JSON_OPTION],
    verbs: [
      { usage: 'list', text: 'who has an account' },
      {
        usage: 'add <name>',
        text: 'make a user',
        options: [
          {
            flags: '--role <role>',
            text: 'what they are; a member where nothing is said',
            choices: ['member', 'admin', 'owner', 'guest', 'service'],
          },
          { flags: '--days <n>', text: 'how long the account lasts; a guest needs it' },
          { flags: '--no-password', text: 'they come in by pairing a phone only' },
        ],
      },
      { usage: 'role <name> <role>', text: 'make somebody something else' },
      { usage: 'password <name>', text: 'another password, for who forgot theirs; all their logins end' },
      { usage: 'remove <name>', text: 'remove a user with their logins and API keys', options: [YES] },
    ],
  },
  {
    usage: 'devices [device]',
    text: 'list the devices, or tell where each value of one comes from',
    details:
      'A device is told by its name or id: topics, templates, last messages, and what Apple Home shows of it.',
    options: [JSON_OPTION],
  },
  {
    usage: 'mqtt',
    text: 'what is wrong with MQTT, and what nobody understood',
    options: [JSON_OPTION],
    verbs: [
      { usage: 'status', text: 'the broker, and what cannot be reached' },
      {
        usage: 'ghosts',
        text: 'descriptions of devices of which nothing was heard',
        options: [{ flags: '--hours <n>', text: 'for how long; 24 where nothing is said' }],
      },
      { usage: 'forget <topic...>', text: 'have the broker forget such descriptions' },
      {
        usage: 'sniff',
        text: 'listen, and print what was not understood as a report to paste',
        options: [{ flags: '--seconds <n>', text: 'how long; 30 where nothing is said' }],
      },
      {
        usage: 'users [verb] [name]',
        text: 'logins of the built-in broker for single devices: list, add NAME, remove NAME',
      },
    ],
  },
  {
    usage: 'accessories',
    text: 'HomeKit accessories that exist already',
    details:
      'An accessory that is in Apple Home must be removed there first: its rooms and automations there are lost. What is ' +
      'imported is not shown to Apple Home again.',
    options: [JSON_OPTION],
    verbs: [
      { usage: 'list', text: 'found in the network, or paired with the hub' },
      { usage: 'pair <id> <code>', text: 'pair with one by its setup code, and import it' },
      {
        usage: 'remove <id>',
        text: 'unpair one and forget it',
        options: [{ flags: '--force', text: 'one that cannot be reached, too; it must be reset then' }],
      },
    ],
  },
  {
    usage: 'homekit',
    text: 'the bridges to Apple Home with their QR codes, and what is not shown there and why',
    options: [
      { flags: '--svg <file>', text: 'the QR code as a picture, too' },
      { flags: '--bridge <n>', text: 'of one bridge' },
      JSON_OPTION,
    ],
    verbs: [
      { usage: 'accessories', text: 'what Apple Home shows, by bridge' },
      { usage: 'check', text: 'look for what keeps phones from finding the hub' },
      {
        usage: 'set <device>',
        text: 'decide how Apple Home shows a device',
        options: [
          { flags: '--excluded <bool>', text: 'not at all', choices: ['true', 'false'] },
          { flags: '--bridge <n>', text: 'on this bridge' },
          { flags: '--alone', text: 'as an accessory of its own' },
          { flags: '--renew', text: 'as what the device says it is by now' },
          {
            flags: '--invert-opening <bool>',
            text: 'with open and closed turned round',
            choices: ['true', 'false'],
          },
          { flags: '--invert-tilt <bool>', text: 'with the slats turned round', choices: ['true', 'false'] },
          { flags: '--component <id>', text: 'of one component only' },
          { flags: '--confirm', text: 'even where Apple Home forgets something' },
        ],
      },
    ],
  },
  {
    usage: 'energy',
    text: 'what the devices used and what it cost, how well that is known, and what stands out',
    options: [{ flags: '--days <n>', text: 'the period; 30 where nothing is said' }, JSON_OPTION],
  },
  {
    usage: 'suggestions',
    text: 'automations that would do what people do day after day',
    options: [JSON_OPTION],
    verbs: [
      {
        usage: 'list [status]',
        text: 'with the days they rest on',
        choices: ['accepted', 'dismissed', 'withdrawn'],
        options: [{ flags: '--locks', text: 'those of locks, garage doors and alarms, too' }],
      },
      { usage: 'accept <id>', text: 'make it an automation' },
      { usage: 'dismiss <id> [reason...]', text: 'do not suggest it any more' },
      { usage: 'restore <id>', text: 'bring back what was dismissed' },
    ],
  },
  {
    usage: 'automations',
    text: 'what the hub does by itself, whether it runs, when next, and what came of it',
    options: [JSON_OPTION],
    verbs: [
      { usage: 'list', text: 'all of them' },
      { usage: 'show <id>', text: 'what one does in words, and why it ran or did not' },
      { usage: 'enable <id>', text: 'let one run' },
      { usage: 'disable <id>', text: 'keep one from running' },
      { usage: 'approve <id>', text: 'let one run that came by sync or import, or was changed so' },
      {
        usage: 'run <id>',
        text: 'run one now, if its conditions hold',
        options: [{ flags: '--force', text: 'whatever they say' }],
      },
      {
        usage: 'history [id]',
        text: 'what ran and why',
        options: [{ flags: '--limit <n>', text: 'how many; 20 where nothing is said' }],
      },
      {
        usage: 'check <file>',
        text: 'what is wrong with a content in JSON, and when it would fire ("-": standard input)',
      },
    ],
  },
  {
    usage: 'reports',
    text: 'of finished days, weeks and months: what was used, what happened, what needs a look',
    options: [JSON_OPTION],
    verbs: [
      {
        usage: 'list',
        text: 'all that are kept',
        options: [{ flags: '--kind <kind>', text: 'of one kind', choices: KINDS }],
      },
      {
        usage: 'show <id>',
        text: 'one, or the latest',
        choices: ['latest'],
        options: [{ flags: '--html <file>', text: 'as a page with plots' }],
      },
      {
        usage: 'make <kind> [date]',
        text: 'of the period with this day, else of the last one',
        choices: KINDS,
      },
      { usage: 'send <id>', text: 'again, by mail or to the webhook', choices: ['latest'] },
    ],
  },
  {
    usage: 'jobs',
    text: 'what the hub does at night and in between, and how it went',
    options: [JSON_OPTION],
    verbs: [
      { usage: 'list', text: 'all of them, with their next time' },
      { usage: 'run <name>', text: 'run one now, and wait for it' },
      {
        usage: 'history [name]',
        text: 'how it went',
        options: [{ flags: '--limit <n>', text: 'how many; 20 where nothing is said' }],
      },
    ],
  },
  {
    usage: 'backup',
    text: 'copies of the whole home: database, keys of Apple Home, logins, configuration',
    details: 'create and list work with the running hub, and on the data folder itself where none runs.',
    options: [JSON_OPTION],
    verbs: [
      {
        usage: 'create',
        text: 'make one, and read it again',
        options: [{ flags: '--to <folder>', text: 'elsewhere than backup.directory' }, PASSPHRASE],
      },
      { usage: 'list', text: 'those that are kept' },
      { usage: 'verify <file>', text: 'read one in full, and the database in it', options: [PASSPHRASE] },
      {
        usage: 'restore <file>',
        text: 'make it the home in data_dir, where no hub may run; the old one is kept',
        options: [YES, PASSPHRASE],
      },
    ],
  },
  {
    usage: 'restore <file>',
    text: 'the same as "backup restore"',
    options: [YES, PASSPHRASE, JSON_OPTION],
  },
  {
    usage: 'upgrade <source>',
    text: 'install another version from a folder or an archive, and go back by itself where it does not work',
    details: 'For a hub that scripts/install.sh installed. A verified backup is made before.',
    options: [YES, { flags: '--dry-run', text: 'check, and tell what would be done' }],
  },
  {
    usage: 'rollback',
    text: 'go back to the version before the last upgrade',
    details:
      'The home stays as it is where that version understands it, and comes from the backup before the upgrade else.',
    options: [YES],
  },
  {
    usage: 'export [file]',
    text: 'write the home graph to a file, or to standard output',
    details: 'It holds no users, passwords, tokens or keys. Works with the running hub, and without one.',
    options: [
      {
        flags: '--mode <mode>',
        text: 'every version there ever was (the default), or what holds now',
        choices: ['history', 'current'],
      },
      { flags: '--force', text: 'replace a file that is there' },
      JSON_OPTION,
    ],
  },
  {
    usage: 'import <file>',
    text: 'take over an export, or the database file of a Python FunkyGibbon',
    details:
      'The whole file ("-": standard input) is checked first. What the hub has already is passed over, so it can be repeated.',
    options: [{ flags: '--dry-run', text: 'check only' }, JSON_OPTION],
  },
  {
    usage: 'seed',
    text: 'put a made-up family home into an empty hub, for looking around',
    options: [
      { flags: '--dry-run', text: 'tell only' },
      { flags: '--force', text: 'into a home that has things, too' },
      JSON_OPTION,
    ],
  },
  {
    usage: 'config',
    text: 'the configuration: whether it is right, what holds and why',
    verbs: [
      { usage: 'check', text: 'read it as a start would, and tell everything that is wrong' },
      {
        usage: 'print',
        text: 'what holds for each key and who said so, without secrets',
        options: [JSON_OPTION],
      },
      { usage: 'schema', text: 'a JSON Schema of hub.yaml, for editors' },
    ],
  },
  {
    usage: 'completion <shell>',
    text: 'print what makes a shell complete the words of this command',
    details:
      'For example: funkygibbon completion bash >/etc/bash_completion.d/funkygibbon. Scripts for bash, zsh and fish.',
    verbs: SHELLS.map((shell) => ({ usage: shell, text: `for ${shell}` })),
  },
  { usage: 'version', text: 'print the version' },
];

/** After the list of commands, and in the manual. */
export const FLAGS_TEXT =
  'Every command takes --config FILE, --data-dir DIR, and every key of the configuration as --section.key VALUE.';
export const EXIT_TEXT =
  'Exit codes: 0 it was done, 1 it failed (the last line says why), 78 the configuration is wrong.';
