import { HubError } from '../base/errors.ts';
import { oneLine } from './device-texts.ts';

/** An order about the people of the home, as it was typed. */
export interface UserOrder {
  /** What is asked of the hub. */
  readonly ask: 'users' | 'users_add' | 'users_change' | 'users_remove';
  readonly args: Readonly<Record<string, unknown>>;
  /** A password is to be asked for, or read from standard input, and sent along as `password`. */
  readonly needsPassword: boolean;
  /** What to do is asked before. */
  readonly question: string | null;
  readonly json: boolean;
  /** What is left for the configuration. */
  readonly configFlags: readonly string[];
}

/** What the hub answers about a user: as much of it as a terminal shows. */
interface UserReply {
  readonly username: string;
  readonly role: string;
  readonly grants: readonly string[];
  readonly rooms: readonly string[] | null;
  readonly expires_at: string | null;
  readonly has_password: boolean;
}

const TAKES = `users takes
  users [list]
  users add NAME [--role member|admin|owner|guest|service] [--days N] [--no-password]
  users role NAME ROLE
  users password NAME
  users remove NAME [--yes]
A password is asked for, or read from standard input. --no-password: the user comes in by pairing a phone only.`;

const FLAGS: ReadonlyMap<string, 'value' | 'switch'> = new Map([
  ['--role', 'value'],
  ['--days', 'value'],
  ['--no-password', 'switch'],
  ['--yes', 'switch'],
  ['--json', 'switch'],
]);
const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_DAYS = 3650;

/**
 * Reads the words after `users`.
 * @param nowMs for `--days`
 * @throws HubError `invalid` saying what is accepted.
 */
export function readUserOrder(words: readonly string[], nowMs: number): UserOrder {
  const { named, flags, configFlags } = sortWords(words);
  const [verb = 'list', name, role, ...more] = named;
  const given = (...allowed: readonly string[]): boolean =>
    more.length === 0 && [...flags.keys()].every((flag) => flag === '--json' || allowed.includes(flag));
  const order = (
    ask: UserOrder['ask'],
    args: UserOrder['args'],
    rest: Partial<UserOrder> = {},
  ): UserOrder => ({
    ask,
    args,
    needsPassword: false,
    question: null,
    json: flags.has('--json'),
    configFlags,
    ...rest,
  });
  if (verb === 'list' && name === undefined && given()) return order('users', {});
  if (name === undefined) throw new HubError('invalid', TAKES);
  if (verb === 'add' && role === undefined && given('--role', '--days', '--no-password')) {
    const days = flags.get('--days');
    const expiresAtMs = days === undefined ? null : nowMs + readDays(days) * DAY_MS;
    const args = { username: name, role: flags.get('--role') ?? 'member', expires_at_ms: expiresAtMs };
    return order('users_add', args, { needsPassword: !flags.has('--no-password') });
  }
  if (verb === 'role' && role !== undefined && given()) return order('users_change', { name, role });
  if (verb === 'password' && role === undefined && given()) {
    return order('users_change', { name }, { needsPassword: true });
  }
  if (verb === 'remove' && role === undefined && given('--yes')) {
    const question = flags.has('--yes') ? null : `Remove ${name}, with their logins and API keys?`;
    return order('users_remove', { name }, { question });
  }
  throw new HubError('invalid', TAKES);
}

function sortWords(words: readonly string[]): {
  named: string[];
  flags: ReadonlyMap<string, string>;
  configFlags: string[];
} {
  const named: string[] = [];
  const flags = new Map<string, string>();
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const [flag = '', inline] = word.split('=', 2);
    const kind = FLAGS.get(flag);
    if (kind === 'switch' && inline === undefined) flags.set(flag, '');
    else if (kind === 'value') {
      if (inline === undefined) at += 1;
      flags.set(flag, inline ?? words[at] ?? '');
    } else if (word.startsWith('-')) return { named, flags, configFlags: words.slice(at) };
    else named.push(word);
  }
  return { named, flags, configFlags: [] };
}

function readDays(written: string): number {
  const days = Number(written);
  if (Number.isInteger(days) && days >= 1 && days <= MAX_DAYS) return days;
  throw new HubError(
    'invalid',
    `--days takes a whole number from 1 to ${MAX_DAYS}: how long the account lasts.`,
  );
}

/** What the hub answered, for a person. */
export function userText({ ask, args }: Pick<UserOrder, 'ask' | 'args'>, answer: unknown): string {
  if (ask === 'users') return listText(answer as readonly UserReply[]);
  if (ask === 'users_remove') return `${oneLine(String(args['name']))} is removed and logged out.`;
  const user = answer as UserReply;
  const how = user.has_password
    ? ''
    : ' They pair a phone: funkygibbon pair --phone ' + oneLine(user.username);
  const what = ask === 'users_add' ? `is ${user.role} now.` : `is changed: ${describe(user)}.`;
  return `${oneLine(user.username)} ${what}${how}`;
}

function listText(users: readonly UserReply[]): string {
  if (users.length === 0)
    return 'Nobody has an account yet. funkygibbon pair shows the link that makes the owner.';
  const width = Math.max(...users.map(({ username }) => oneLine(username).length));
  return users.map((user) => `${oneLine(user.username).padEnd(width)}  ${describe(user)}`).join('\n');
}

function describe({
  role,
  grants,
  rooms,
  expires_at: expiresAt,
  has_password: hasPassword,
}: UserReply): string {
  return [
    role,
    grants.length > 0 ? `may also command ${grants.join(', ')}` : '',
    rooms === null ? '' : `limited to ${rooms.length === 1 ? 'one room' : `${rooms.length} rooms`}`,
    expiresAt === null ? '' : `until ${expiresAt.slice(0, 10)}`,
    hasPassword ? '' : 'no password',
  ]
    .filter((part) => part !== '')
    .join(', ');
}
