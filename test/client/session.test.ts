import { describe, expect, test } from 'vitest';

import type { Environment } from '../../src/client/environment.ts';

import { ClientError, HomeClient, MemoryStore, Session, type Tokens } from '../../src/client/client.ts';
import { temporaryFolder } from '../support/store.ts';
import { ManualTime, PASSWORD, settled, startHubFor } from './support.ts';

const hubUrl = 'http://hub.test';

/** A hub that renews tokens, r1 to r2 and so on; `lost` answers are lost on their way. */
function renewingHub(lost = 0) {
  const shown: unknown[] = [];
  let lostLeft = lost;
  const time = new ManualTime();
  const environment: Partial<Environment> = {
    ...time.environment,
    fetch: async (url, init) => {
      expect(url).toBe(`${hubUrl}/api/auth/refresh`);
      shown.push(JSON.parse(String(init.body)));
      if (lostLeft > 0) {
        lostLeft -= 1;
        throw new TypeError('the answer was lost');
      }
      const number = shown.length + 1;
      const tokens = { access_token: `a${number}`, refresh_token: `r${number}` };
      return new Response(JSON.stringify({ ...tokens, expires_in: 3600, user_id: 'anna' }));
    },
  };
  return { shown, environment };
}

const FIRST: Tokens = {
  accessToken: 'a1',
  refreshToken: 'r1',
  expiresAtMs: Number.MAX_SAFE_INTEGER,
  userId: 'anna',
  deviceId: 'phone',
};

describe('renewing', () => {
  test('nobody gets a new token before it is kept', async () => {
    const { shown, environment } = renewingHub();
    const kept = Promise.withResolvers<void>();
    const session = new Session({
      hubUrl,
      tokens: FIRST,
      environment,
      onTokens: async () => await kept.promise,
    });
    const given: string[] = [];
    const ask = async (stale?: string): Promise<void> => {
      given.push((await session.provide(stale)).value);
    };
    const refused = [ask('a1'), ask('a1')];
    await settled();
    expect(shown).toHaveLength(1);
    await ask();
    expect(given).toEqual(['a1']);
    expect(session.tokens).toEqual(FIRST);
    kept.resolve();
    await Promise.all(refused);
    expect(given).toEqual(['a1', 'a2', 'a2']);
    expect(session.tokens).toMatchObject({ refreshToken: 'r2' });
  });

  test('tokens that could not be kept are kept later, and not asked for a second time', async () => {
    const { shown, environment } = renewingHub();
    const offered: string[] = [];
    const session = new Session({
      hubUrl,
      tokens: FIRST,
      environment,
      onTokens: ({ refreshToken }) => {
        offered.push(refreshToken);
        if (offered.length === 1) throw new Error('the keychain is locked');
      },
    });
    await expect(session.provide('a1')).rejects.toThrow('keychain');
    expect(session.tokens).toEqual(FIRST);
    expect(await session.provide('a1')).toMatchObject({ value: 'a2' });
    expect(offered).toEqual(['r2', 'r2']);
    expect(shown).toHaveLength(1);
  });

  test('a refresh whose answer was lost is repeated with the same token, at once and later', async () => {
    const { shown, environment } = renewingHub(3);
    const session = new Session({ hubUrl, tokens: FIRST, environment });
    await expect(session.provide('a1')).rejects.toMatchObject({ kind: 'offline' });
    expect(shown).toHaveLength(2);
    expect(await session.provide('a1')).toMatchObject({ value: 'a5' });
    expect(shown).toEqual(Array.from({ length: 4 }, () => ({ refresh_token: 'r1', device_id: 'phone' })));
  });

  test('a hub that refuses the refresh token is not asked twice', async () => {
    let asked = 0;
    const session = new Session({
      hubUrl,
      tokens: FIRST,
      environment: {
        fetch: async () => {
          asked += 1;
          return await Promise.resolve(new Response('{}', { status: 401 }));
        },
      },
    });
    await expect(session.provide('a1')).rejects.toBeInstanceOf(ClientError);
    expect(asked).toBe(1);
  });

  test('the hub takes a token again whose answer was lost: the login goes on', async () => {
    using folder = temporaryFolder();
    await using hub = await startHubFor(folder.path);
    const url = hub.ready.http_url;
    const lost: string[] = [];
    const environment: Partial<Environment> = {
      fetch: async (address, init) => {
        const answer = await fetch(address, init);
        if (!address.endsWith('/api/auth/refresh') || lost.length > 0) return answer;
        lost.push(await answer.text());
        throw new TypeError('the answer was lost');
      },
    };
    const login = await Session.login({ hubUrl: url, username: 'admin', password: PASSWORD });
    const session = new Session({ hubUrl: url, tokens: { ...login.tokens, expiresAtMs: 0 }, environment });
    const client = await HomeClient.open({ hubUrl: url, store: new MemoryStore(), tokens: session.provide });
    await client.sync();
    expect(lost).toHaveLength(1);
    expect(session.tokens.refreshToken).not.toBe(login.tokens.refreshToken);
    await client.close();
  });
});
