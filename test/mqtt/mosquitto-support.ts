import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { PASSWORD, USERNAME } from './harness.ts';

/** Debian puts it where only root looks for programs. */
const PROGRAM = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find((path) =>
  existsSync(path),
);
export const hasMosquitto = PROGRAM !== undefined;

/** A real Mosquitto on a port of this machine, with a folder of its own for whatever it needs. */
export class Mosquitto implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'mosquitto-'));
  readonly port: number;
  #child: ChildProcess | undefined;
  #config = '';
  output = '';

  private constructor(port: number) {
    this.port = port;
  }

  /** A folder and a port; `start` starts it. */
  static async prepare(): Promise<Mosquitto> {
    const mosquitto = new Mosquitto(await freePort());
    mosquitto.write('passwords', '');
    mosquitto.addUser(USERNAME, PASSWORD);
    return mosquitto;
  }

  /** With a password file, and what else is said. */
  static async start(config: readonly string[] = []): Promise<Mosquitto> {
    const mosquitto = await Mosquitto.prepare();
    await mosquitto.start(config);
    return mosquitto;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): string {
    writeFileSync(this.file(name), text, { mode: 0o644 });
    return this.file(name);
  }

  addUser(name: string, password: string): void {
    const made = spawnSync('mosquitto_passwd', ['-b', this.file('passwords'), name, password]);
    if (made.status !== 0) throw new Error(`mosquitto_passwd: ${String(made.stderr)}`);
  }

  async start(config: readonly string[] = []): Promise<void> {
    const lines = [
      `listener ${this.port} 127.0.0.1`,
      'allow_anonymous false',
      `password_file ${this.file('passwords')}`,
      // As root it would become another user, who may not read the folder.
      'user root',
      ...config,
    ];
    this.#config = this.write('mosquitto.conf', `${lines.join('\n')}\n`);
    await this.restart();
  }

  /** Starts it with the configuration of before. */
  async restart(): Promise<void> {
    await this.stop();
    const child = spawn(PROGRAM ?? '', ['-c', this.#config], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.#child = child;
    for (let tries = 0; tries < 200; tries += 1) {
      if (child.exitCode !== null) throw new Error(`Mosquitto did not start: ${this.output}`);
      if (await answers(this.port)) return;
    }
    throw new Error(`Mosquitto does not answer: ${this.output}`);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => resolve(true));
  socket.on('error', () => setTimeout(() => resolve(false), 25));
  const isThere = await promise;
  socket.destroy();
  return isThere;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Certificates of an authority of the test's own. */
export class TestAuthority {
  readonly ca: string;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    this.ca = this.#path('ca.pem');
    openssl([
      'req',
      '-x509',
      ...NEW_KEY,
      '-keyout',
      this.#path('ca.key'),
      '-out',
      this.ca,
      '-days',
      '2',
      '-subj',
      '/CN=Test CA',
    ]);
  }

  /** A certificate for a host name or address. */
  issue(name: string, altName: string): { readonly cert: string; readonly key: string } {
    const [cert, key, request] = [
      this.#path(`${name}.pem`),
      this.#path(`${name}.key`),
      this.#path(`${name}.csr`),
    ];
    openssl(['req', '-new', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`]);
    const extensions = this.#path(`${name}.ext`);
    writeFileSync(extensions, `subjectAltName=${altName}\n`);
    openssl([
      'x509',
      '-req',
      '-in',
      request,
      '-CA',
      this.ca,
      '-CAkey',
      this.#path('ca.key'),
      '-CAcreateserial',
      '-out',
      cert,
      '-days',
      '2',
      '-extfile',
      extensions,
    ]);
    return { cert, key };
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

const PLUGIN = 'mosquitto_dynamic_security.so';
const PLUGIN_PATH = ['x86_64-linux-gnu', 'aarch64-linux-gnu', '.']
  .map((folder) => join('/usr/lib', folder, PLUGIN))
  .find((path) => existsSync(path));
export const hasDynamicSecurity = PLUGIN_PATH !== undefined;

/**
 * Has Mosquitto refuse the user's subscription to `filter`: the simpler `acl_file` grants each and then delivers nothing.
 */
export function refuseSubscription(broker: Mosquitto, filter: string): string[] {
  const salt = randomBytes(12);
  const iterations = 101;
  const security = {
    defaultACLAccess: {
      publishClientSend: true,
      publishClientReceive: true,
      subscribe: true,
      unsubscribe: true,
    },
    clients: [
      {
        username: USERNAME,
        password: pbkdf2Sync(PASSWORD, salt, iterations, 64, 'sha512').toString('base64'),
        salt: salt.toString('base64'),
        iterations,
        roles: [{ rolename: 'role' }],
      },
    ],
    roles: [{ rolename: 'role', acls: [{ acltype: 'subscribeLiteral', topic: filter, allow: false }] }],
  };
  const file = broker.write('dynamic-security.json', JSON.stringify(security));
  return ['per_listener_settings false', `plugin ${PLUGIN_PATH}`, `plugin_opt_config_file ${file}`];
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(args: readonly string[]): void {
  const { status, stderr } = spawnSync('openssl', args);
  if (status !== 0) throw new Error(`openssl: ${String(stderr)}`);
}
