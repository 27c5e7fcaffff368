import type { Role } from '../../src/access/types.ts';
import type { TestApi } from './support.ts';

import { PASSWORD } from './support.ts';

/** Somebody who calls the API with a token of their own. */
export interface Person {
  readonly id: string;
  readonly token: string;
  readonly refreshToken: string;
  call(method: string, path: string, body?: unknown): Promise<Response>;
}

/** Calls as whoever has the token. */
export async function callWith(
  api: TestApi,
  token: string,
  ...[method, path, body]: [string, string, unknown?]
): Promise<Response> {
  return await api.call(method, path, body, { authorization: `Bearer ${token}` });
}

/** Has the owner make a user, and logs the user in. */
export async function makePerson(
  api: TestApi,
  username: string,
  role: Role,
  more: Record<string, unknown> = {},
): Promise<Person> {
  const expiry = role === 'guest' ? { expires_at: new Date(api.clock.nowMs() + 3600_000).toISOString() } : {};
  const body = { username, password: PASSWORD, role, ...expiry, ...more };
  const made = await api.call('POST', '/api/users', body);
  if (made.status !== 201) throw new Error(`${made.status} ${await made.text()}`);
  const { user_id: id } = (await made.json()) as { user_id: string };
  return { id, ...(await logIn(api, username)) };
}

export async function logIn(
  api: TestApi,
  username: string,
  password = PASSWORD,
): Promise<Omit<Person, 'id'>> {
  const tokens = await api.access.login({ username, password, address: 'test' });
  return {
    token: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    call: async (...given) => await callWith(api, tokens.accessToken, ...given),
  };
}

/** The status of an answer, with the words of a problem. */
export async function refusalOf(response: Response): Promise<string> {
  const { detail } = (await response.json()) as { detail?: string };
  return `${response.status} ${detail ?? ''}`;
}
