import { Access } from '../../src/access/access.ts';
import { accessTables } from '../../src/access/tables.ts';
import { TERMINAL, type Actor, type TokenPair } from '../../src/access/types.ts';
import { ManualClock } from '../../src/base/clock.ts';
import { HubError } from '../../src/base/errors.ts';
import { keptValueTables } from '../../src/base/kept-values.ts';
import { silentLogger, type Logger } from '../../src/base/log.ts';
import { Store } from '../../src/base/store.ts';
import { temporaryFolder } from '../support/store.ts';

export const PASSWORD = 'correct horse battery';
export const ADDRESS = '192.168.1.20';
export const FROM = { address: ADDRESS };

/** A home with the owner `admin`, whose clock stands still. */
export interface AccessHome extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly access: Access;
  login(username?: string, deviceId?: string): Promise<TokenPair>;
  /** Somebody who is logged in, as they act. */
  actor(username?: string): Promise<Actor>;
  /** Makes a user with `PASSWORD` and returns their id. */
  user(input: Partial<Parameters<Access['users']['create']>[0]> & { username: string }): Promise<string>;
}

export async function openAccessHome(log: Logger = silentLogger): Promise<AccessHome> {
  const folder = temporaryFolder();
  const clock = new ManualClock();
  const store = await Store.open({
    file: `${folder.path}/hub.db`,
    clock,
    log: silentLogger,
    migrations: [keptValueTables, accessTables],
  });
  const access = await Access.start({ store, clock, log, jwtSecret: null, adminPassword: PASSWORD });
  const home: AccessHome = {
    store,
    clock,
    access,
    login: async (username = 'admin', deviceId) =>
      await access.login({
        username,
        password: PASSWORD,
        ...FROM,
        ...(deviceId === undefined ? {} : { deviceId }),
      }),
    actor: async (username) => {
      const { accessToken } = await home.login(username);
      return { principal: await access.verify(accessToken), ...FROM };
    },
    user: async (input) =>
      (await access.users.create({ password: PASSWORD, role: 'member', ...input }, TERMINAL)).id,
    async [Symbol.asyncDispose]() {
      access[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
  return home;
}

/** The kind of error that a promise ends with. */
export async function kindOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    if (error instanceof HubError) return error.kind;
    throw error;
  }
}
