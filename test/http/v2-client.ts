import type { TestApi } from './support.ts';

import { PASSWORD } from './support.ts';

/** What a v2 client sees of an answer. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** A v2 client: logs in with a password only and calls below /api/v1. */
export interface V2Client {
  readonly token: string;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
}

export async function logIn(api: TestApi): Promise<V2Client> {
  const { body } = await call(api, null, 'POST', '/auth/admin/login', { password: PASSWORD });
  return clientOf(api, String(body['access_token']));
}

/** A client that came in by a code that `admin` made. */
export async function logInAsGuest(api: TestApi, admin: V2Client): Promise<V2Client> {
  const made = await admin.call('POST', '/auth/guest/generate-qr', { duration_hours: 1 });
  const { token: qrToken } = made.body['qr_data'] as { token: string };
  const { body } = await call(api, null, 'POST', '/auth/guest/verify', { qr_token: qrToken });
  return clientOf(api, String(body['access_token']));
}

function clientOf(api: TestApi, token: string): V2Client {
  return { token, call: async (...request) => await call(api, token, ...request) };
}

async function call(
  api: TestApi,
  token: string | null,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(`${api.url}/api/v1${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
