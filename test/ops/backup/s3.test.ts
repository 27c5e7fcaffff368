import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';

import type { S3Settings } from '../../../src/ops/backup/types.ts';

import { S3Bucket, type Signer } from '../../../src/ops/backup/s3.ts';
import { uploadBackup } from '../../../src/ops/backup/uploads.ts';
import { temporaryFolder } from '../../support/store.ts';
import { BackupHome } from './home.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const NEVER = new AbortController().signal;
const { dependencies } = createRequire(import.meta.url)('../../../package.json') as {
  dependencies: Record<string, string>;
};

/** Speaks as much S3 as a backup needs, and checks every signature as AWS describes it (Signature Version 4). */
class Bucket {
  readonly objects = new Map<string, Buffer>();
  /** What it answers in place of the next request. */
  fault: 'cut' | 503 | undefined;
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response));

  async open(): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { fault } = this;
    this.fault = undefined;
    if (fault === 'cut') return void request.socket.destroy();
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    const answer = (status: number, code = ''): void =>
      void response.writeHead(status).end(code && `<Error><Code>${code}</Code></Error>`);
    if (fault !== undefined) return answer(fault, 'SlowDown');
    if (!isSigned(request)) return answer(403, 'SignatureDoesNotMatch');
    const told = request.headers['x-amz-content-sha256'];
    if (told !== createHash('sha256').update(body).digest('hex'))
      return answer(400, 'XAmzContentSHA256Mismatch');
    const key = decodeURIComponent(request.url ?? '');
    if (!key.startsWith('/homes/')) return answer(404, 'NoSuchBucket');
    const found = this.objects.get(key);
    if (request.method === 'PUT') this.objects.set(key, body);
    else if (request.method === 'DELETE') this.objects.delete(key);
    else if (found) return void response.writeHead(200, { 'content-length': found.length }).end();
    else return answer(404);
    answer(request.method === 'DELETE' ? 204 : 200);
  }
}

function isSigned({ method, url, headers }: IncomingMessage): boolean {
  const [, day = '', region = '', names = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=AKIA\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    ) ?? [];
  const credential = `AKIA/${day}/${region}/s3/aws4_request`;
  const expected = signatureOf(headers, { method, url, names, credential, secret: SECRET });
  return region === 'eu-test-1' && names.includes('host') && expected === signature;
}

function signatureOf(
  headers: Readonly<Record<string, unknown>>,
  what: {
    method: string | undefined;
    url: string | undefined;
    names: string;
    credential: string;
    secret: string;
  },
): string {
  const { method, url, names, credential, secret } = what;
  const [, ...scope] = credential.split('/');
  const mac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
  const lines = names.split(';').map((name) => `${name}:${String(headers[name])}\n`);
  const canonical = [method, url, '', lines.join(''), names, headers['x-amz-content-sha256']].join('\n');
  const hash = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope.join('/'), hash].join('\n');
  return mac(scope.reduce<string | Buffer>(mac, `AWS4${secret}`), text).toString('hex');
}

/** Signs where the package that does it in a hub is not there; where it is listed it has to do it. */
class TestSigner implements Signer {
  readonly #secret: string;
  readonly #region: string;

  constructor({ secretAccessKey, region }: { secretAccessKey: string; region: string }) {
    this.#secret = secretAccessKey;
    this.#region = region;
  }

  async sign(url: string, init: Parameters<Signer['sign']>[1]): Promise<Request> {
    const { host, pathname } = new URL(url);
    const date = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const sent = { ...init.headers, 'x-amz-date': date };
    const names = 'host;x-amz-content-sha256;x-amz-date';
    const credential = `AKIA/${date.slice(0, 8)}/${this.#region}/s3/aws4_request`;
    const what = { method: init.method, url: pathname, names, credential, secret: this.#secret };
    const signature = signatureOf({ ...sent, host }, what);
    const authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
    return await Promise.resolve(
      new Request(url, { method: init.method, headers: { ...sent, authorization } }),
    );
  }
}

const isListed = 'aws4fetch' in dependencies;
function bucketOf(settings: S3Settings): S3Bucket {
  if (isListed) return new S3Bucket(settings);
  return new S3Bucket(settings, async () => await Promise.resolve({ AwsClient: TestSigner }));
}

describe('S3', () => {
  const bucket = new Bucket();
  const folder = temporaryFolder();
  let settings: S3Settings;
  beforeAll(async () => {
    const endpoint = await bucket.open();
    settings = {
      endpoint,
      region: 'eu-test-1',
      bucket: 'homes',
      prefix: 'pi/',
      accessKey: 'AKIA',
      secretKey: SECRET,
    };
  });
  beforeEach(() => bucket.objects.clear());
  afterAll(() => {
    bucket.close();
    folder[Symbol.dispose]();
  });

  test('a backup goes there, those before it go when they are too many, and it is listed', async () => {
    await using home = await BackupHome.open();
    const queued: string[] = [];
    const uploads = { enqueue: async (name: string) => await Promise.resolve(void queued.push(name)) };
    const backups = home.use({ s3: settings, keep: 2 }, { uploads });
    for (let n = 0; n < 3; n++) {
      await backups.create({ origin: 'schedule' });
      home.clock.advance(24 * 3600_000);
    }
    expect(queued).toHaveLength(3);
    // The first one is not here any more.
    expect(await uploadBackup(backups, settings, String(queued[0]), NEVER, bucketOf(settings))).toMatchObject(
      { bytes: 0 },
    );
    for (const name of queued.slice(1))
      await uploadBackup(backups, settings, name, NEVER, bucketOf(settings));
    expect([...bucket.objects.keys()]).toEqual(queued.slice(1).map((name) => `/homes/pi/${name}`));
    const [last] = await backups.list();
    expect(last?.copies).toEqual([`s3://homes/pi/${last?.name}`]);
    expect(
      createHash('sha256')
        .update(bucket.objects.get(`/homes/pi/${last?.name}`) ?? '')
        .digest('hex'),
    ).toBe(last?.sha256);
    // Once is enough.
    expect(await uploadBackup(backups, settings, String(queued[2]), NEVER, bucketOf(settings))).toMatchObject(
      { bytes: 0 },
    );
    const { name } = await backups.create({ origin: 'schedule' });
    expect(backups.notIn(settings)).toEqual([name]);
    await uploadBackup(backups, settings, name, NEVER, bucketOf(settings));
    expect([...bucket.objects.keys()]).toEqual([`/homes/pi/${queued[2]}`, `/homes/pi/${name}`]);
    expect(backups.health().destinations).toMatchObject([
      { backups: 2 },
      { place: 's3://homes/pi/', backups: 2 },
    ]);
  });

  test('what went wrong is told with what to do, and is tried again', async () => {
    await using home = await BackupHome.open();
    const backups = home.use({ s3: settings });
    const { name } = await backups.create({ origin: 'schedule' });
    const upload = async (more: Partial<S3Settings> = {}): Promise<unknown> => {
      const other = { ...settings, ...more };
      return await uploadBackup(backups, other, name, NEVER, bucketOf(other));
    };
    bucket.fault = 'cut';
    await expect(upload()).rejects.toMatchObject({ kind: 'unavailable' });
    bucket.fault = 503;
    await expect(upload()).rejects.toThrow('SlowDown');
    await expect(upload({ secretKey: 'wrong' })).rejects.toThrow(
      'SignatureDoesNotMatch. Check backup.s3.access_key',
    );
    await expect(upload({ bucket: 'nothing' })).rejects.toThrow('NoSuchBucket. Check backup.s3.bucket');
    await expect(upload({ endpoint: 'http://127.0.0.1:1' })).rejects.toThrow('cannot be reached');
    expect(backups.health()).toMatchObject({
      ok: false,
      lastError: expect.stringContaining('cannot be reached'),
    });
    expect(bucket.objects.size).toBe(0);
    await upload();
    expect(bucket.objects.size).toBe(1);
    expect(backups.health()).toMatchObject({ ok: true, lastError: null });
  });

  test('a file that was changed on the disk meanwhile is refused there', async () => {
    const path = join(folder.path, 'changed');
    writeFileSync(path, 'other');
    const sha256 = createHash('sha256').update('these').digest('hex');
    const put = bucketOf(settings).put({ key: 'pi/a key+1.tar.gz', path, sizeBytes: 5, sha256 }, NEVER);
    await expect(put).rejects.toThrow('SHA256Mismatch');
    writeFileSync(path, 'these');
    await bucketOf(settings).put({ key: 'pi/a key+1.tar.gz', path, sizeBytes: 5, sha256 }, NEVER);
    expect([...bucket.objects.keys()]).toEqual(['/homes/pi/a key+1.tar.gz']);
  });
});

test.runIf(!isListed)('without the package that signs it is said which one to install', async () => {
  const settings = {
    endpoint: 'http://127.0.0.1:1',
    region: 'x',
    bucket: 'b',
    prefix: '',
    accessKey: 'a',
    secretKey: 's',
  };
  await expect(new S3Bucket(settings).delete('x', NEVER)).rejects.toThrow('npm install aws4fetch');
});
