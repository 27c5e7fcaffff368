/**
 * The whole hub in a process of its own, so that it can live in a network namespace, which no request from outside
 * reaches: what it is asked comes over IPC and is asked here by HTTP.
 */
import { startTestHub } from '../support/hub.ts';

export interface Ask {
  readonly number: number;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}
export interface Told {
  readonly number: number;
  readonly status: number;
  readonly body: unknown;
}

const [, , folder = '', timing = '{}'] = process.argv;
const PASSWORD = 'correct horse battery';

const hub = await startTestHub(
  folder,
  {
    FUNKYGIBBON_AUTH__ADMIN_PASSWORD: PASSWORD,
    FUNKYGIBBON_MQTT__MODE: 'off',
    // A test that waits asks again and again.
    FUNKYGIBBON_HTTP__RATE_LIMIT_PER_MINUTE: '0',
  },
  { loopbackOnly: false, accessories: { discover: true, timing: JSON.parse(timing) as object } },
);

async function ask(method: string, path: string, body: unknown, token?: string): Promise<Response> {
  return await fetch(`${hub.ready.http_url}${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const login = await ask('POST', '/api/auth/login', { username: 'admin', password: PASSWORD });
const { access_token: token } = (await login.json()) as { access_token: string };

async function answer({ number, method, path, body }: Ask): Promise<void> {
  const response = await ask(method, path, body, token);
  process.send?.({ number, status: response.status, body: await response.json() } satisfies Told);
}

process.on('message', (asked: Ask) => {
  answer(asked).catch((error: unknown) => {
    process.send?.({ number: asked.number, status: 0, body: String(error) } satisfies Told);
  });
});
async function leave(): Promise<void> {
  await hub[Symbol.asyncDispose]();
  process.exit(0);
}
process.on('disconnect', () => {
  leave().catch((error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  });
});
process.send?.('ready');
