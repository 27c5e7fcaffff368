import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Hub } from '../../src/hub.ts';

import { ClientError, HomeClient, MemoryStore, Session } from '../../src/client/client.ts';
import { temporaryFolder } from '../support/store.ts';
import { clientOf, eventually, FaultyNetwork, PASSWORD, startHubFor } from './support.ts';

describe('a real hub', () => {
  const folder = temporaryFolder();
  let hub: Hub;
  let url: string;

  beforeAll(async () => {
    hub = await startHubFor(folder.path);
    url = hub.ready.http_url;
  });

  afterAll(async () => {
    await hub[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  test('what one phone makes, another one gets: entities, relationships, deletions', async () => {
    await using anna = await clientOf(url);
    await using ben = await clientOf(url);
    const kitchen = await anna.home.createEntity({ entityType: 'room', content: { name: 'Kitchen' } });
    const lamp = await anna.home.createEntity({ entityType: 'device', content: { name: 'Lamp', watts: 5 } });
    const edge = await anna.home.createRelationship({
      fromEntityId: lamp.id,
      toEntityId: kitchen.id,
      relationshipType: 'located_in',
    });
    expect(await anna.home.pending()).toHaveLength(3);
    expect(await anna.sync()).toMatchObject({ applied: 3, reports: [] });
    expect(await anna.home.pending()).toEqual([]);

    await ben.sync();
    expect(await ben.home.entity(lamp.id)).toMatchObject({ content: { name: 'Lamp', watts: 5 } });
    expect(await ben.home.relationships(kitchen.id)).toMatchObject([{ id: edge.id, fromEntityId: lamp.id }]);
    await ben.home.updateEntity(lamp.id, { name: 'Ceiling lamp' });
    await ben.home.endRelationship(edge.id);
    await ben.home.deleteEntity(kitchen.id);
    expect(await ben.sync()).toMatchObject({ applied: 3, reports: [] });

    expect(await anna.sync()).toMatchObject({ digest: 'match' });
    expect(await anna.home.entity(lamp.id)).toMatchObject({ content: { name: 'Ceiling lamp', watts: 5 } });
    expect(await anna.home.entity(kitchen.id)).toMatchObject({ deleted: true, content: {} });
    expect(await anna.home.relationships(kitchen.id)).toEqual([]);
    expect(await anna.home.relationship(edge.id)).toMatchObject({ validTo: expect.any(String) });
  });

  test('edits chain on each other, thousands of them, and come back page by page', async () => {
    const network = new FaultyNetwork();
    await using anna = await clientOf(url, { environment: { fetch: network.fetch } });
    const note = await anna.home.createEntity({ entityType: 'note', content: { text: '0' } });
    for (let i = 1; i <= 1100; i++) await anna.home.updateEntity(note.id, { text: String(i) });
    for (let i = 0; i < 1100; i++) {
      await anna.home.createEntity({ id: `many-${i}`, entityType: 'note', content: { text: 'x' } });
    }
    const chain = (await anna.home.pending()).slice(1, 1101);
    expect(
      chain.every(({ row }, i) => row.parentVersions[0] === (chain[i - 1]?.version ?? note.version)),
    ).toBe(true);
    expect(await anna.sync()).toMatchObject({ applied: 2201, reports: [] });
    expect(Math.max(...network.bodies.map(({ changes }) => changes.length))).toBe(1000);

    await using ben = await clientOf(url);
    const summary = await ben.sync();
    expect(summary).toMatchObject({ digest: 'match' });
    expect(summary.pulled).toBeGreaterThan(1000);
    expect(await ben.home.entity(note.id)).toMatchObject({ content: { text: '1100' } });
  });

  test('a lost request, a lost answer and a request that arrives twice change nothing twice', async () => {
    const network = new FaultyNetwork();
    await using anna = await clientOf(url, { environment: { fetch: network.fetch } });
    await anna.sync();
    const note = await anna.home.createEntity({ entityType: 'note', content: { text: 'one' } });
    network.faults.push('lose_request');
    await expect(anna.sync()).rejects.toMatchObject({ kind: 'offline' });
    await anna.sync();
    await anna.home.updateEntity(note.id, { text: 'two' });
    network.faults.push('lose_answer');
    await expect(anna.sync()).rejects.toMatchObject({ kind: 'offline' });
    expect(await anna.home.pending()).toHaveLength(1);
    // Somebody goes on from the edit whose answer was lost.
    await using ben = await clientOf(url);
    await ben.sync();
    await ben.home.updateEntity(note.id, { text: 'three', colour: 'red' });
    await ben.sync();
    await anna.sync();
    expect(await anna.home.reports()).toEqual([]);
    expect(await anna.home.pending()).toEqual([]);
    expect(await anna.home.entity(note.id)).toMatchObject({ content: { text: 'three', colour: 'red' } });

    await anna.home.updateEntity(note.id, { text: 'four' });
    network.faults.push('send_twice');
    expect(await anna.sync()).toMatchObject({ applied: 1, reports: [] });
    const { items } = (await anna.call({
      method: 'GET',
      path: `/api/entities/${note.id}/versions?limit=100`,
    })) as { items: { version: string }[] };
    expect(items.map(({ version }) => version)).toHaveLength(4);
    const sent = network.bodies.flatMap(({ changes }) => changes.map((change) => JSON.stringify(change)));
    const retried = sent.filter((change) => sent.filter((other) => other === change).length > 1);
    expect(new Set(retried).size).toBe(2);
  });

  test('the same field edited twice: the loser is reported, and sees what the hub has', async () => {
    await using anna = await clientOf(url);
    await using ben = await clientOf(url);
    const note = await anna.home.createEntity({ entityType: 'note', content: { text: 'one' } });
    await anna.sync();
    await ben.sync();
    await anna.home.updateEntity(note.id, { text: "Anna's" });
    await ben.home.updateEntity(note.id, { text: "Ben's" });
    await anna.sync();
    const told: string[] = [];
    ben.on('report', ({ code }) => told.push(code));
    const { reports } = await ben.sync();
    expect(told).toEqual(['version_conflict']);
    expect(reports).toMatchObject([
      { id: note.id, outcome: 'conflict', code: 'version_conflict', row: { content: { text: "Ben's" } } },
    ]);
    expect(await ben.home.entity(note.id)).toMatchObject({ content: { text: "Anna's" } });
    expect(await ben.home.pending()).toEqual([]);
    const [report] = await ben.home.reports();
    await ben.home.dismissReport(String(report?.version));
    expect(await ben.home.reports()).toEqual([]);
    expect(await ben.sync()).toMatchObject({ digest: 'match' });
  });

  test('different fields edited at once: both phones end with the same', async () => {
    await using anna = await clientOf(url);
    await using ben = await clientOf(url);
    const note = await anna.home.createEntity({
      entityType: 'note',
      content: { text: 'one', colour: 'red' },
    });
    await anna.sync();
    await ben.sync();
    await anna.home.updateEntity(note.id, { text: 'two' });
    await ben.home.updateEntity(note.id, { colour: 'blue' });
    await anna.sync();
    await ben.sync();
    await anna.sync();
    expect(await anna.home.entity(note.id)).toEqual({
      ...(await ben.home.entity(note.id)),
    });
    expect(await ben.sync()).toMatchObject({ digest: 'match' });
    expect(await anna.sync()).toMatchObject({ digest: 'match' });
  });

  test('a conflict is listed and decided, for everybody', async () => {
    const network = new FaultyNetwork();
    await using anna = await clientOf(url);
    await using ben = await clientOf(url, { environment: { fetch: network.fetch }, compression: 'gzip' });
    for (const resolution of ['keep_local', 'accept_remote', 'merge'] as const) {
      const note = await anna.home.createEntity({ entityType: 'note', content: { text: 'one', n: 1 } });
      await anna.sync();
      await ben.sync();
      await anna.home.updateEntity(note.id, { text: "Anna's" });
      await ben.home.updateEntity(note.id, { text: "Ben's" });
      await anna.sync();
      const { reports } = await ben.sync();
      const conflict = (await anna.conflicts()).find(({ entityId }) => entityId === note.id);
      expect(conflict).toMatchObject({
        conflictId: reports[0]?.conflictId,
        conflictingFields: ['text'],
        editValues: { text: "Ben's" },
        hubValues: { text: "Anna's" },
      });
      const { conflictId = '', localVersion } = conflict ?? {};
      await expect(
        ben.resolveConflict(conflictId, { resolution, localVersion: 'an older one' }),
      ).rejects.toMatchObject({ kind: 'refused', status: 409 });
      await ben.resolveConflict(conflictId, {
        resolution,
        ...(localVersion == null ? {} : { localVersion }),
        ...(resolution === 'merge' ? { content: { text: 'both', n: 2 } } : {}),
      });
      await anna.sync();
      const text = { keep_local: "Anna's", accept_remote: "Ben's", merge: 'both' }[resolution];
      for (const phone of [anna, ben]) {
        expect(await phone.home.entity(note.id)).toMatchObject({ content: { text } });
        expect(await phone.sync()).toMatchObject({ digest: 'match' });
      }
    }
    expect(new Set(network.bodies.map(({ compression }) => compression))).toEqual(new Set(['gzip']));
  });

  test('what the hub rejects is gone here too, with the reason', async () => {
    await using anna = await clientOf(url);
    await anna.sync();
    const lamp = await anna.home.createEntity({ entityType: 'device', content: { watts: 5 } });
    const note = await anna.home.createEntity({ entityType: 'note', content: { text: 'good' } });
    await anna.home.createRelationship({
      id: 'nowhere',
      fromEntityId: note.id,
      toEntityId: 'no-such-room',
      relationshipType: 'located_in',
    });
    const { applied, reports } = await anna.sync();
    expect(applied).toBe(1);
    expect(reports.map(({ id, outcome }) => [id, outcome])).toEqual([
      [lamp.id, 'rejected'],
      ['nowhere', 'rejected'],
    ]);
    expect(reports[1]).toMatchObject({ code: 'UNKNOWN_ENDPOINT', message: expect.any(String) });
    expect(await anna.home.entity(lamp.id)).toBeNull();
    expect(await anna.home.relationship('nowhere')).toBeNull();
    expect(await anna.home.entity(note.id)).not.toBeNull();
    expect(await anna.sync()).toMatchObject({ digest: 'match' });
  });

  test('live: what others do arrives without asking, and so does what this phone does', async () => {
    await using anna = await clientOf(url);
    await using ben = await clientOf(url);
    anna.start();
    ben.start();
    await eventually(() => expect([anna.status, ben.status]).toEqual(['live', 'live']));
    const note = await anna.home.createEntity({ entityType: 'note', content: { text: 'hello' } });
    await eventually(async () =>
      expect(await ben.home.entity(note.id)).toMatchObject({ content: { text: 'hello' } }),
    );
    await ben.home.updateEntity(note.id, { text: 'hello back' });
    await eventually(async () =>
      expect(await anna.home.entity(note.id)).toMatchObject({ content: { text: 'hello back' } }),
    );
    await anna.home.deleteEntity(note.id);
    await eventually(async () => expect(await ben.home.entity(note.id)).toMatchObject({ deleted: true }));
    expect(await anna.sync()).toMatchObject({ digest: 'match' });
    expect(await ben.sync()).toMatchObject({ digest: 'match', pulled: 0 });
  });

  test('a wrong password is said so; a login goes on with its refresh token after a restart', async () => {
    await expect(
      Session.login({ hubUrl: url, username: 'admin', password: 'wrong, and long enough' }),
    ).rejects.toMatchObject({ kind: 'signed_out' });
    const kept: Session['tokens'][] = [];
    const session = await Session.login({
      hubUrl: url,
      username: 'admin',
      password: PASSWORD,
      onTokens: (tokens) => void kept.push(tokens),
    });
    // As after a night: the access token has ended, as far as this device knows.
    const old = { ...session.tokens, expiresAtMs: 0 };
    const later = new Session({ hubUrl: url, tokens: old, onTokens: (tokens) => void kept.push(tokens) });
    const client = await HomeClient.open({ hubUrl: url, store: new MemoryStore(), tokens: later.provide });
    await Promise.all([client.sync(), client.conflicts().catch(() => undefined)]);
    expect(kept).toHaveLength(2);
    expect(kept[1]?.refreshToken).not.toBe(kept[0]?.refreshToken);
    await later.logout();
    await expect(client.sync()).rejects.toMatchObject({ kind: 'signed_out' });
    await client.close();
    await expect(client.sync()).rejects.toBeInstanceOf(ClientError);
  });
});
