import { createSecretKey } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import type { Holder } from './policy.ts';

import { ManualClock } from '../../src/base/clock.ts';
import { startTestHub } from '../support/hub.ts';
import { temporaryFolder } from '../support/store.ts';
import { claimsOf, oneLetterOff, signed } from './forgery.ts';
import { HOLDERS } from './policy.ts';

export const PASSWORD = 'correct horse battery';
/** Known to the test, so that it can sign what the hub never would. */
export const JWT_SECRET = 'a signing secret that only this test and its hub know';
const HOUR_MS = 3600_000;

/** How a client shows who it is. */
export interface Shown {
  readonly headers?: Readonly<Record<string, string>>;
  /** Appended to the address. */
  readonly query?: string;
}

/** Somebody who is let in, with what is theirs. */
export interface Guest {
  readonly holder: Holder;
  readonly token: string;
  readonly userId: string;
}

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly user_id: string;
}

interface Standing {
  readonly userId: string;
  readonly loginId: string;
}

/** A running hub with one of each who may come in, and many who may not. */
export class House implements AsyncDisposable {
  readonly #stack: AsyncDisposableStack;
  readonly #folder: string;
  readonly url: string;
  readonly clock: ManualClock;
  readonly people = new Map<Holder, Guest>();
  /** Whom nobody may let in, and how they try. */
  readonly strangers = new Map<string, Shown>();
  /** The owner's access token. */
  owner = '';
  /** Signed by the test, and with nothing wrong about it: the forged ones fail for what is forged. */
  genuine = '';
  readonly #standing = new Map<string, Standing>();
  #made = 0;

  private constructor(stack: AsyncDisposableStack, folder: string, url: string, clock: ManualClock) {
    this.#stack = stack;
    this.#folder = folder;
    this.url = url;
    this.clock = clock;
  }

  static async open(): Promise<House> {
    await using opening = new AsyncDisposableStack();
    const folder = opening.use(temporaryFolder());
    const clock = new ManualClock();
    const env = {
      FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0',
      FUNKYGIBBON_MQTT__MODE: 'off',
      FUNKYGIBBON_HOMEKIT__ENABLED: 'false',
      FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
      FUNKYGIBBON_AUTH__JWT_SECRET: JWT_SECRET,
    };
    const hub = opening.use(await startTestHub(folder.path, env, { clock }));
    const house = new House(opening.move(), folder.path, hub.ready.http_url, clock);
    await house.#fill();
    return house;
  }

  async call(
    path: string,
    init: { method?: string; token?: string; body?: unknown } = {},
  ): Promise<Response> {
    const { method = 'GET', token = this.owner, body } = init;
    return await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** What the owner gets made. */
  async make<T = Readonly<Record<string, string>>>(path: string, body: unknown = {}): Promise<T> {
    const answer = await this.call(path, { method: 'POST', body });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async remove(path: string): Promise<void> {
    const answer = await this.call(path, { method: 'DELETE' });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }

  async logIn(username: string): Promise<Tokens> {
    return await this.make<Tokens>('/api/auth/login', { username, password: PASSWORD });
  }

  /** Another login of somebody with the same role, which may come to its end. */
  async spare(holder: Holder): Promise<Guest & { readonly loginId: string }> {
    const { access_token: token, user_id: userId } = await this.logIn(`spare ${holder}`);
    const listed = await this.call('/api/auth/devices?limit=500', { token });
    const { items } = (await listed.json()) as { items: { id: string; current: boolean }[] };
    return { holder, token, userId, loginId: items.find(({ current }) => current)?.id ?? '' };
  }

  idOf(holder: Holder): string {
    return this.people.get(holder)?.userId ?? '';
  }

  /** A login that no test ends. */
  standing(username: 'spare admin' | 'spare member'): Standing {
    return this.#standing.get(username) ?? { userId: '', loginId: '' };
  }

  /** A name that nothing has yet. */
  unused(): string {
    this.#made += 1;
    return `new-${this.#made}`;
  }

  /** What the home, the accounts and the keys are, to the last column; the marks of mere use are left out. */
  contents(): string {
    using database = new DatabaseSync(join(this.#folder, 'funkygibbon.db'), { readOnly: true });
    const names = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    // That the hub is alive is written by itself, whoever asks for what.
    const signs = /^sqlite_|audit|search|activity_span|job_clock/;
    const kept = names.map(({ name }) => String(name)).filter((name) => !signs.test(name));
    return kept
      .map((name) => {
        const statement = database.prepare(`SELECT * FROM "${name}"`);
        statement.setReadBigInts(true);
        const rows = statement.all();
        const text = rows.map((row) => JSON.stringify({ ...row, last_used_ms: null }, plain)).sort();
        return `${name}\n${text.join('\n')}`;
      })
      .join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack[Symbol.asyncDispose]();
  }

  async #fill(): Promise<void> {
    this.owner = (await this.#firstLogin()).access_token;
    await this.#letTimesPass();
    for (const holder of HOLDERS) this.people.set(holder, await this.#letIn(holder));
    this.owner = this.people.get('owner')?.token ?? '';
    this.#standing.set('spare admin', await this.spare('admin'));
    this.#standing.set('spare member', await this.spare('member'));
    await this.#forge();
    await this.#furnish();
  }

  async #firstLogin(): Promise<Tokens> {
    return await this.logIn('admin');
  }

  /** What was good once: everything here is from before, and hours go by. */
  async #letTimesPass(): Promise<void> {
    const soon = new Date(this.clock.nowMs() + HOUR_MS).toISOString();
    const user = async (username: string, role: string, more: object = {}): Promise<string> =>
      (await this.make('/api/users', { username, password: PASSWORD, role, ...more }))['user_id'] ?? '';
    const key = async (more: object = {}): Promise<{ id: string; secret: string }> =>
      await this.make('/api/auth/api-keys', { name: 'old', scopes: ['admin'], ...more });

    const { access_token: expired } = await this.logIn('admin');
    await user('visitor of yesterday', 'guest', { expires_at: soon });
    const { access_token: overdue } = await this.logIn('visitor of yesterday');
    const endedKey = await key({ expires_at: soon });
    const rotated = await key();
    await this.make(`/api/auth/api-keys/${rotated.id}/rotate`, { overlap_seconds: 60 });
    this.clock.advance(2 * HOUR_MS);
    this.owner = (await this.logIn('admin')).access_token;
    this.#strange('an access token that has expired', expired);
    this.#strange('a guest whose visit is over', overdue);
    this.#strange('an API key that has expired', endedKey.secret);
    this.#strange('the secret of an API key before its rotation', rotated.secret);

    const deletedKey = await key();
    await this.remove(`/api/auth/api-keys/${deletedKey.id}`);
    this.#strange('an API key that was deleted', deletedKey.secret);
    this.#strange('an API key with one letter changed', oneLetterOff((await key()).secret));

    const left = await user('left', 'admin');
    const { access_token: leftToken } = await this.logIn('left');
    const theirs = { name: 'of somebody who left', scopes: ['admin'] };
    const made = await this.call('/api/auth/api-keys', { method: 'POST', token: leftToken, body: theirs });
    const { secret: leftKey } = (await made.json()) as { secret: string };
    await this.remove(`/api/users/${left}`);
    this.#strange('a login of a user who was deleted', leftToken);
    this.#strange('an API key of a user who was deleted', leftKey);

    const { access_token: loggedOut } = await this.logIn('admin');
    await this.call('/api/auth/logout', { method: 'POST', token: loggedOut });
    this.#strange('a login that has ended', loggedOut);

    const member = await user('paired', 'member');
    const { code } = await this.make<{ code: string }>('/api/auth/pairing-codes', { user_id: member });
    this.#strange('a pairing code', code);
    const paired = await this.make<Tokens>('/api/auth/pair', { code, device_id: 'phone' });
    const devices = await this.call('/api/auth/devices?limit=500');
    const { items } = (await devices.json()) as { items: { id: string; bound: boolean }[] };
    await this.remove(`/api/auth/devices/${items.find(({ bound }) => bound)?.id ?? ''}`);
    this.#strange('a paired phone that was revoked', paired.access_token);

    const guestCode = await this.make<{ qr_data: { token: string } }>('/api/v1/auth/guest/generate-qr');
    this.#strange('the code of a guest', guestCode.qr_data.token);
    const revoked = await this.make<{ qr_data: { token: string } }>('/api/v1/auth/guest/generate-qr');
    const entered = await this.make<Tokens>('/api/v1/auth/guest/verify', { token: revoked.qr_data.token });
    await this.make(`/api/v1/auth/guest/revoke?token=${revoked.qr_data.token}`);
    this.#strange('a guest whose code was revoked', entered.access_token);
  }

  async #letIn(holder: Holder): Promise<Guest> {
    if (holder.startsWith('key ')) {
      const scopes = [holder.slice('key '.length)];
      const made = await this.make<{ id: string; secret: string }>('/api/auth/api-keys', {
        name: holder,
        scopes,
      });
      return { holder, token: made.secret, userId: `key:${made.id}` };
    }
    const expiry =
      holder === 'guest' ? { expires_at: new Date(this.clock.nowMs() + HOUR_MS).toISOString() } : {};
    for (const username of [`the ${holder}`, `spare ${holder}`]) {
      await this.make('/api/users', { username, password: PASSWORD, role: holder, ...expiry });
    }
    const { access_token: token, user_id: userId } = await this.logIn(`the ${holder}`);
    return { holder, token, userId };
  }

  /** What was never good. */
  async #forge(): Promise<void> {
    const owner = await this.logIn('the owner');
    const member = await this.logIn('the member');
    const key = createSecretKey(Buffer.from(JWT_SECRET));
    const good = claimsOf(owner.access_token);
    const nowS = Math.floor(this.clock.nowMs() / 1000);
    const [head = '', payload = '', signature = ''] = owner.access_token.split('.');
    const [, memberPayload = ''] = member.access_token.split('.');
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const forged: Readonly<Record<string, string>> = {
      garbage: 'garbage',
      'a token without a signature': `${head}.${payload}.`,
      'alg none': `${part({ alg: 'none', typ: 'JWT' })}.${payload}.`,
      'alg None, with a signature': `${part({ alg: 'None' })}.${payload}.${signature}`,
      'alg HS512 with the right key': await signed(good, key, 'HS512'),
      'the wrong key': await signed(good, createSecretKey(Buffer.alloc(32, 1))),
      'an empty-looking key': await signed(good, createSecretKey(Buffer.alloc(32))),
      'the signature of other claims': `${head}.${memberPayload}.${signature}`,
      'another issuer': await signed({ ...good, iss: 'somebody' }, key),
      'another audience': await signed({ ...good, aud: 'another-api' }, key),
      'no issuer': await signed({ ...good, iss: undefined }, key),
      'no audience': await signed({ ...good, aud: undefined }, key),
      'no end': await signed({ ...good, exp: undefined }, key),
      'an end in the past': await signed({ ...good, exp: nowS - 1 }, key),
      'a beginning in the future': await signed({ ...good, nbf: nowS + 600 }, key),
      'no session': await signed({ ...good, sid: undefined }, key),
      'a session that never was': await signed({ ...good, sid: 'never' }, key),
      "the owner's name on a member's session": await signed(
        { ...claimsOf(member.access_token), sub: good['sub'] },
        key,
      ),
      "a member's name on the owner's session": await signed(
        { ...good, sub: claimsOf(member.access_token)['sub'] },
        key,
      ),
      'an API key as a subject': await signed(
        { ...good, sub: this.people.get('key admin')?.userId, sid: this.people.get('key admin')?.userId },
        key,
      ),
      'a name that is nobody’s': await signed({ ...good, sub: 'terminal', sid: 'terminal' }, key),
      'a refresh token': owner.refresh_token,
      'the password': PASSWORD,
      'the signing secret': JWT_SECRET,
      'a token that is far too long': 'x'.repeat(5000),
    };
    for (const [name, token] of Object.entries(forged)) this.#strange(name, token);
    this.genuine = await signed({ ...good, jti: 'made by the test' }, key);

    const token = owner.access_token;
    const elsewhere: Readonly<Record<string, Shown>> = {
      'no token': {},
      'an empty bearer': { headers: { authorization: 'Bearer ' } },
      'a good token without a scheme': { headers: { authorization: token } },
      'a good token under another scheme': { headers: { authorization: `Token ${token}` } },
      'the password of the owner by Basic': {
        headers: { authorization: `Basic ${Buffer.from(`owner:${PASSWORD}`).toString('base64')}` },
      },
      'a good token in a cookie': { headers: { cookie: `access_token=${token}` } },
      'a good token in the address': { query: `access_token=${token}&token=${token}` },
      'a good token in a header of another name': {
        headers: { 'x-api-key': token, 'x-access-token': token },
      },
    };
    for (const [name, shown] of Object.entries(elsewhere)) this.strangers.set(name, shown);
  }

  /** What the doors lead to. */
  async #furnish(): Promise<void> {
    for (const [id, entity_type] of [
      ['home', 'home'],
      ['kitchen', 'room'],
      ['lamp', 'device'],
    ] as const) {
      await this.make('/api/entities', { id, entity_type, content: { name: id } });
    }
    await this.make('/api/relationships', {
      id: 'lamp-in-kitchen',
      from_entity_id: 'lamp',
      to_entity_id: 'kitchen',
      relationship_type: 'located_in',
    });
    await this.make('/api/sync/inbetweenies', {
      protocol_version: 'inbetweenies-v1.1',
      device_id: 'my-phone',
      user_id: this.people.get('owner')?.userId,
      vector_clock: {},
      changes: [],
    });
    await this.make('/api/v1/sync-metadata?client_id=kitchen-tablet&server_url=http://192.168.1.10:8000');
  }

  #strange(name: string, token: string): void {
    if (!token) throw new Error(`there is no token to show for ${name}`);
    this.strangers.set(name, { headers: { authorization: `Bearer ${token}` } });
  }
}

function plain(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value;
}
