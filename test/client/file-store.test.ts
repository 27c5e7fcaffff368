import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { HomeClient } from '../../src/client/client.ts';
import { FileStore } from '../../src/client/file-store.ts';
import { temporaryFolder } from '../support/store.ts';
import { allApplied, clientOf, FaultyNetwork, ok, row, scripted, startHubFor } from './support.ts';

test('a phone that is switched off in the middle of a push goes on where it was, and repeats no version', async () => {
  using folder = temporaryFolder();
  using hubFolder = temporaryFolder();
  await using hub = await startHubFor(hubFolder.path);
  const url = hub.ready.http_url;
  const path = join(folder.path, 'home.replica');
  const network = new FaultyNetwork();
  const made: string[] = [];
  {
    const first = await clientOf(url, {
      store: await FileStore.open(path),
      environment: { fetch: network.fetch },
    });
    const note = await first.home.createEntity({ id: 'note', entityType: 'note', content: { n: 0 } });
    made.push(note.version);
    await first.sync();
    for (let n = 1; n <= 5; n++) made.push((await first.home.updateEntity('note', { n })).version);
    network.faults.push('lose_answer');
    await expect(first.sync()).rejects.toMatchObject({ kind: 'offline' });
    // What lies on the disk now is what a flat battery leaves.
    cpSync(path, `${path}.copy`);
    await first.close();
  }
  const deviceId = String(network.bodies[0]?.device_id);
  await using second = await clientOf(url, {
    store: await FileStore.open(`${path}.copy`),
    environment: { fetch: network.fetch },
  });
  expect(second.deviceId).toBe(deviceId);
  expect(await second.home.pending()).toHaveLength(5);
  made.push((await second.home.updateEntity('note', { n: 6 })).version);
  expect(await second.sync()).toMatchObject({ applied: 6, reports: [] });
  expect(new Set(made).size).toBe(7);
  const { items } = (await second.call({ method: 'GET', path: '/api/entities/note/versions?limit=100' })) as {
    items: { version: string }[];
  };
  expect(items.map(({ version }) => version).toSorted()).toEqual(made.toSorted());
  expect(await second.sync()).toMatchObject({ digest: 'match' });
});

test('a batch that a power cut left unfinished is dropped; what was before it stays', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'home.replica');
  const store = await FileStore.open(path);
  const { client } = await scripted({ store });
  const sizes: number[] = [];
  for (const id of ['a', 'b', 'c']) {
    await client.home.createEntity({ id, entityType: 'note', content: {} });
    sizes.push(statSync(path).size);
  }
  await client.close();
  const whole = readFileSync(path);
  // Every place where the last write may have stopped.
  for (let size = Number(sizes[1]); size < Number(sizes[2]); size += 7) {
    writeFileSync(path, whole.subarray(0, size));
    const reopened = await FileStore.open(path);
    expect(reopened.pending().map(({ id }) => id)).toEqual(['a', 'b']);
    expect(reopened.list('entity')).toHaveLength(2);
    await reopened.close();
    // Whoever only looks changes nothing.
    expect(statSync(path).size).toBe(size);
  }
  const { client: writer } = await scripted({ store: await FileStore.open(path) });
  await writer.home.createEntity({ id: 'd', entityType: 'note', content: {} });
  await writer.close();
  const mended = await FileStore.open(path);
  expect(mended.pending().map(({ id }) => id)).toEqual(['a', 'b', 'd']);
  await mended.close();
  // A length that reached the disk before the content did, longer than what is written next.
  writeFileSync(path, Buffer.concat([whole.subarray(0, sizes[1]), Buffer.alloc(100_000)]));
  const reopened = await FileStore.open(path);
  expect(reopened.pending()).toHaveLength(2);
  const { client: last } = await scripted({ store: reopened });
  for (const id of ['e', 'f']) await last.home.createEntity({ id, entityType: 'note', content: {} });
  await last.close();
  expect(statSync(path).size).toBeLessThan(100_000);
});

test('a file that is damaged, or of something else, is left as it is', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'home.replica');
  const { client } = await scripted({ store: await FileStore.open(path) });
  for (const id of ['a', 'b', 'c']) await client.home.createEntity({ id, entityType: 'note', content: {} });
  await client.close();
  const lines = readFileSync(path, 'utf8').split('\n');
  const damaged = lines.with(2, 'rubbish').join('\n');
  writeFileSync(path, damaged);
  await expect(FileStore.open(path)).rejects.toThrow('damaged');
  expect(readFileSync(path, 'utf8')).toBe(damaged);
  writeFileSync(path, 'my diary\n');
  await expect(FileStore.open(path)).rejects.toThrow('is not a replica');
  expect(readFileSync(path, 'utf8')).toBe('my diary\n');
  // Nothing but a beginning: the power went when it was made.
  truncateSync(path, 0);
  appendFileSync(path, '{"form');
  const store = await FileStore.open(path);
  expect(store.meta()).toBeUndefined();
  await store.close();
});

test('a file that is open is not opened a second time', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'home.replica');
  const store = await FileStore.open(path);
  await expect(FileStore.open(path)).rejects.toMatchObject({
    kind: 'shared_store',
    message: expect.stringContaining(`${path}.lock`),
  });
  // Another program, which lives.
  await store.close();
  writeFileSync(`${path}.lock`, `${process.ppid} 1\n`);
  await expect(FileStore.open(path)).rejects.toThrow(`process ${process.ppid}`);
  expect(readFileSync(`${path}.lock`, 'utf8')).toBe(`${process.ppid} 1\n`);
  rmSync(`${path}.lock`);
  await (await FileStore.open(path)).close();
  expect(readdirSync(folder.path)).toEqual(['home.replica']);
});

test('the lock of a program that has ended is taken over', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'home.replica');
  const { pid } = spawnSync(process.execPath, ['--version']);
  // Of the last one, which a power cut left empty, and of a container that got the same process ids when it was restarted.
  for (const left of [`${pid} 1\n`, '', `${process.pid} 1\n`]) {
    writeFileSync(`${path}.lock`, left);
    const stores = await Promise.allSettled([FileStore.open(path), FileStore.open(path)]);
    const opened = stores.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(opened).toHaveLength(1);
    await opened[0]?.close();
    expect(readdirSync(folder.path)).toEqual(['home.replica']);
  }
});

test('two programs do not write to one file, whatever became of the lock', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'home.replica');
  const { client: first } = await scripted({ store: await FileStore.open(path) });
  await first.home.createEntity({ id: 'a', entityType: 'note', content: {} });
  rmSync(`${path}.lock`);
  const { client: second } = await scripted({ store: await FileStore.open(path) });
  await second.home.createEntity({ id: 'b', entityType: 'note', content: {} });
  await expect(first.home.createEntity({ id: 'c', entityType: 'note', content: {} })).rejects.toThrow(
    'another program',
  );
  await expect(first.home.createEntity({ id: 'd', entityType: 'note', content: {} })).rejects.toThrow(
    'opened again',
  );
  await Promise.all([first.close(), second.close()]);
  const store = await FileStore.open(path);
  expect(store.pending().map(({ id }) => id)).toEqual(['a', 'b']);
  await store.close();
});

test('the journal is written anew when it has grown, and holds the same', async () => {
  using folder = temporaryFolder();
  const path = join(folder.path, 'home.replica');
  const store = await FileStore.open(path);
  const { client, hub } = await scripted({ store });
  hub.replies(ok({ changes: [row('r', 'r1', { name: 'Room' })] }));
  await client.sync();
  await client.home.createEntity({ id: 'a', entityType: 'note', content: { text: '' } });
  for (let i = 0; i < 60; i++) {
    await client.home.updateEntity('a', { text: `${i} ${'x'.repeat(20_000)}` });
    if (i % 10 === 9) {
      hub.replies(allApplied());
      await client.sync();
    }
  }
  expect(statSync(path).size).toBeLessThan(2 * 1024 * 1024);
  const before = await client.home.entity('a');
  await client.close();
  const again = await HomeClient.open({
    hubUrl: 'http://hub.test',
    store: await FileStore.open(path),
    tokens: async () => ({ value: 'token' }),
  });
  expect(await again.home.entity('a')).toEqual(before);
  expect(await again.home.entity('r')).toMatchObject({ content: { name: 'Room' } });
  expect(await again.home.pending()).toEqual([]);
  expect(again.deviceId).toBe('phone');
  await again.close();
});
