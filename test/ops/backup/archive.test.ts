import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

import type { Manifest } from '../../../src/ops/backup/types.ts';

import { decryptWithPassphrase, encryptWithPassphrase } from '../../../src/ops/backup/age.ts';
import { isEncrypted, packArchive, readArchive, readManifest } from '../../../src/ops/backup/archive.ts';
import { temporaryFolder } from '../../support/store.ts';

const PASSPHRASE = 'a passphrase of twelve';
const QUICK = 10;
const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** In pieces of a size that fits no chunk. */
async function* piecesOf(bytes: Uint8Array, size = 1000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

describe('the age format', () => {
  test('a file that another program encrypted opens', async () => {
    // Made by typage, the age of browsers (its own tests hold it).
    const file =
      'YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCB4Y2lkcXJQdmwwZzRROEZ5eXU4dHNnIDgKNnM2Ylp2Vlg2b0NBSVp2QkxCZEhJbEJr' +
      'YUcreWRIZHVHWVpBaUJkUy9ZMAotLS0gZ280TkNGT05VTDEwZW5WRjVPMnkxem05eWQwdkM0S09hSU1nV05aYW5QSQom4WH7RYXsjlDm3HNK' +
      'Ce9gY2IfCjTY/2t6PF4bzUkeWZWkE7kd';
    const words = 'light-original-energy-average-wish-blind-vendor-pencil-illness-scorpion';
    const plain = await bytesOf(decryptWithPassphrase(piecesOf(Buffer.from(file, 'base64')), words));
    expect(plain.toString()).toBe('test\n');
  });

  test.each([0, 1, 65_535, 65_536, 65_537, 200_000])('%i bytes come back', async (length) => {
    const plain = randomBytes(length);
    const encrypted = await bytesOf(encryptWithPassphrase(piecesOf(plain), PASSPHRASE, QUICK));
    expect(encrypted.includes(plain.subarray(0, 32)) && length > 32).toBe(false);
    expect(await bytesOf(decryptWithPassphrase(piecesOf(encrypted), PASSPHRASE))).toEqual(plain);
  });

  test('another passphrase, a missing end, and any changed byte are noticed', async () => {
    const encrypted = await bytesOf(encryptWithPassphrase(piecesOf(randomBytes(70_000)), PASSPHRASE, QUICK));
    const open = async (bytes: Buffer, passphrase = PASSPHRASE): Promise<Buffer> =>
      await bytesOf(decryptWithPassphrase(piecesOf(bytes), passphrase));
    await expect(open(encrypted, 'another passphrase')).rejects.toThrow('not the passphrase');
    // Just behind the first chunk, where everything before is sound.
    const header = encrypted.indexOf('\n--- ') + 49 + 16;
    for (const length of [10, 100, header, header + 65_536 + 16, encrypted.length - 1]) {
      await expect(open(encrypted.subarray(0, length))).rejects.toThrow(/cut off|damaged/);
    }
    for (const at of [25, 40, 80, 130, 180, header + 5, encrypted.length - 1]) {
      const changed = Buffer.from(encrypted);
      changed[at] = Number(changed[at]) ^ 1;
      await expect(open(changed)).rejects.toThrow(/damaged|passphrase|age format/);
    }
    await expect(open(Buffer.concat([encrypted, Buffer.from('x')]))).rejects.toThrow('damaged');
  });

  test('one that asks for all memory is refused before it is tried', async () => {
    const encrypted = await bytesOf(encryptWithPassphrase(piecesOf(Buffer.from('x')), PASSPHRASE, QUICK));
    const greedy = Buffer.from(encrypted.toString('latin1').replace(/ 10\n/, ' 30\n'), 'latin1');
    await expect(bytesOf(decryptWithPassphrase(piecesOf(greedy), PASSPHRASE))).rejects.toThrow('more work');
  });
});

const FILES = { 'funkygibbon.db': randomBytes(300_000), 'mqtt-credentials.json': Buffer.from('{"a":1}') };

function manifestOf(files: Readonly<Record<string, Buffer>>): Manifest {
  return {
    format: 1,
    hub_version: '1.2.3',
    created_at: '2026-01-02T03:04:05.000Z',
    home_name: 'Home',
    node_id: 'node',
    epoch: 'abcdef',
    schema_versions: { graph: 1 },
    entities: 3,
    encrypted: false,
    sealed: false,
    files: Object.entries(files).map(([name, bytes]) => ({
      name,
      size: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })),
    left_out: [],
  };
}

async function pack(name: string, passphrase: string | null, manifest = manifestOf(FILES)): Promise<string> {
  const database = join(folder.path, 'source.db');
  writeFileSync(database, FILES['funkygibbon.db']);
  const packed = packArchive(
    manifest,
    [
      { name: 'funkygibbon.db', source: { path: database } },
      { name: 'mqtt-credentials.json', source: { bytes: FILES['mqtt-credentials.json'] } },
    ],
    passphrase,
  );
  const path = join(folder.path, name);
  writeFileSync(path, await bytesOf(packed));
  return path;
}

describe('the archive', () => {
  test('opens with the tar of the system, without the hub', async () => {
    const path = await pack('plain.tar.gz', null);
    const unpacked = join(folder.path, 'by-tar');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xzf', path, '-C', unpacked]);
    expect(JSON.parse(readFileSync(join(unpacked, 'manifest.json'), 'utf8'))).toEqual(manifestOf(FILES));
    for (const [name, bytes] of Object.entries(FILES))
      expect(readFileSync(join(unpacked, name))).toEqual(bytes);
  });

  test('one that a person packed by hand is read', async () => {
    const unpacked = join(folder.path, 'by-hand');
    mkdirSync(unpacked);
    execFileSync('tar', ['-xzf', await pack('before.tar.gz', null), '-C', unpacked]);
    const path = join(folder.path, 'by-hand.tar.gz');
    const names = ['manifest.json', ...Object.keys(FILES)].map((name) => `./${name}`);
    execFileSync('tar', ['-czf', path, '-C', unpacked, ...names]);
    expect((await readArchive(path, { passphrase: null, extractTo: null })).manifest.entities).toBe(3);
  });

  test.each([null, PASSPHRASE])('comes back byte by byte (passphrase: %s)', async (passphrase) => {
    const path = await pack('back', passphrase);
    const target = join(folder.path, `to-${passphrase === null ? 'plain' : 'encrypted'}`);
    mkdirSync(target);
    const { sizeBytes, sha256 } = await readArchive(path, { passphrase, extractTo: target });
    for (const [name, bytes] of Object.entries(FILES))
      expect(readFileSync(join(target, name))).toEqual(bytes);
    const file = readFileSync(path);
    expect([sizeBytes, sha256]).toEqual([file.length, createHash('sha256').update(file).digest('hex')]);
    expect(await isEncrypted(path)).toBe(passphrase !== null);
    expect(await readManifest(path, passphrase)).toEqual(manifestOf(FILES));
  });

  test('a damaged or cut one is refused, wherever it is hurt', async () => {
    const path = await pack('hurt', null);
    const whole = readFileSync(path);
    const isRefused = async (bytes: Buffer): Promise<void> => {
      writeFileSync(path, bytes);
      await expect(readArchive(path, { passphrase: null, extractTo: null })).rejects.toMatchObject({
        name: 'HubError',
        message: expect.stringMatching(/damaged|cannot be read|no backup/),
      });
    };
    for (const share of [0, 0.1, 0.5, 0.9])
      await isRefused(whole.subarray(0, Math.floor(whole.length * share)));
    await isRefused(whole.subarray(0, whole.length - 1));
    for (const share of [0.3, 0.6, 0.95]) {
      const changed = Buffer.from(whole);
      const at = Math.floor(whole.length * share);
      changed[at] = Number(changed[at]) ^ 0x10;
      await isRefused(changed);
    }
  });

  test('a file that is not what the manifest says is refused, and one that wants out of its folder', async () => {
    const manifest = manifestOf({ ...FILES, 'mqtt-credentials.json': Buffer.from('{"a":2}') });
    const other = await pack('other', null, manifest);
    await expect(readArchive(other, { passphrase: null, extractTo: null })).rejects.toThrow(
      'another checksum',
    );
    const { files } = manifestOf(FILES);
    const further = { name: '../x', size: 1, sha256: '0'.repeat(64) };
    const outside = await pack('outside', null, { ...manifest, files: [...files, further] });
    await expect(readArchive(outside, { passphrase: null, extractTo: null })).rejects.toThrow(
      'makes no sense',
    );
  });

  test('says what to do about one of a later format, and about a file that is none', async () => {
    const later = await pack('later', null, { ...manifestOf(FILES), format: 2 as 1 });
    await expect(readManifest(later, null)).rejects.toThrow('or a newer one');
    writeFileSync(join(folder.path, 'text'), 'just some text');
    await expect(readManifest(join(folder.path, 'text'), null)).rejects.toThrow('is no backup');
    await expect(readManifest(join(folder.path, 'nowhere'), null)).rejects.toThrow('There is no file');
  });
});
