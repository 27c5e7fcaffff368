import { createHash } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import type { TestHome } from '../support/store.ts';

import { endpointWarning, parseContent } from '../../src/graph/graph.ts';
import { LocalHome } from '../../src/ops/ops.ts';
import { reportText } from '../../src/ops/report-text.ts';
import { verifyExport } from '../../src/ops/verify.ts';
import { exportedLines, exportedText, importLines, openOwnHome, toStream } from './support.ts';

const anna = { userId: 'anna', deviceId: 'phone' };
let source: TestHome & { readonly folder: string };
let target: TestHome & { readonly folder: string };
beforeEach(async () => {
  source = await openOwnHome();
  target = await openOwnHome();
});
afterEach(async () => {
  await source[Symbol.asyncDispose]();
  await target[Symbol.asyncDispose]();
});

function make(home: TestHome, id: string, content: Record<string, unknown>): void {
  home.graph.transaction((writer) =>
    writer.createEntity({ id, entityType: 'note', content, author: anna, sourceType: 'manual' }),
  );
}

function edit(home: TestHome, id: string, content: Record<string, unknown>): void {
  home.graph.transaction((writer) => writer.replaceContent(id, content, anna));
}

describe('an import into a hub that knows the thing', () => {
  test('goes on where the hub stands, and is passed over when it is repeated', async () => {
    make(source, 'note', { n: 1 });
    await importLines(target, await exportedLines(source.graph));
    edit(source, 'note', { n: 2 });
    const report = await importLines(target, await exportedLines(source.graph));
    expect([report.taken.versions, report.held, report.kept_beside.count]).toEqual([1, 1, 0]);
    expect(parseContent(target.graph.entity('note')!)).toEqual({ n: 2 });
    const again = await importLines(target, await exportedLines(source.graph));
    expect([again.taken.versions, again.held]).toEqual([0, 2]);
  });

  test('never overwrites what the hub has gone another way with; both stay readable', async () => {
    make(source, 'note', { n: 1 });
    await importLines(target, await exportedLines(source.graph));
    source.clock.advance(1000);
    edit(source, 'note', { n: 'theirs' });
    edit(target, 'note', { n: 'ours' });
    const report = await importLines(target, await exportedLines(source.graph));
    expect(report.kept_beside.count).toBe(1);
    expect(parseContent(target.graph.entity('note')!)).toEqual({ n: 'ours' });
    const theirs = String(source.graph.entity('note')?.version);
    expect(target.graph.heldAs('note', theirs)).toBe('loser');
    expect(target.graph.version('note', theirs)?.contentJson).toBe('{"n":"theirs"}');
    expect(reportText(report, 'the export x')).toContain('beside   1 version');
  });

  test('records of words that the hub does not know are refused one by one, odd contents are taken with a warning', async () => {
    make(source, 'note', { n: 1 });
    const [header = '', note = ''] = await exportedLines(source.graph);
    const as = (id: string, type: string): string =>
      note.replace('"id":"note"', `"id":"${id}"`).replace('"entity_type":"note"', `"entity_type":"${type}"`);
    const report = await importLines(target, [
      header,
      as('a', 'NOTE'),
      as('b', 'spaceship'),
      as('c', 'schedule'),
    ]);
    expect(target.graph.list({}, 10).items.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(report.refused.map(({ examples }) => examples)).toEqual([['b (spaceship)']]);
    expect(report.folded.map(({ examples }) => examples)).toEqual([['a (NOTE)']]);
    expect(report.warnings[0]?.what).toMatch(/content\.cron/);
  });

  test('only one runs at a time', async () => {
    const local = new LocalHome({ graph: target.graph, clock: target.clock, hubVersion: '0.0.0' });
    const waiting = Promise.withResolvers<void>();
    async function* slow(): AsyncGenerator<string> {
      await waiting.promise;
      yield '';
    }
    const first = local.import(slow(), { dryRun: false });
    await expect(local.import(toStream([]), { dryRun: false })).rejects.toThrow(/Another import is running/);
    waiting.resolve();
    await first;
    await local.import(toStream([]), { dryRun: false });
  });
});

describe('a file is believed only whole', () => {
  const verify = async (text: string): Promise<void> => {
    await verifyExport(toStream([Buffer.from(text)]));
  };

  test('as it was exported it is', async () => {
    make(source, 'note', { text: 'ünï\u2028' });
    await verify(await exportedText(source.graph));
    await verify(await exportedText(source.graph, 'current'));
  });

  test('cut off anywhere, or with any one byte changed, it is refused', async () => {
    make(source, 'note', { text: 'hello' });
    const text = await exportedText(source.graph);
    for (let length = 0; length < text.length - 1; length += 7) {
      await expect(verify(text.slice(0, length)), `cut at ${length}`).rejects.toThrow(/othing was imported/);
    }
    for (let at = 0; at < text.length - 1; at += 3) {
      const changed = `${text.slice(0, at)}${text[at] === '0' ? '1' : '0'}${text.slice(at + 1)}`;
      await expect(verify(changed), `changed at ${at}`).rejects.toThrow(
        /othing was imported|newer FunkyGibbon/,
      );
    }
  });

  test('a line that names what is wrong with it is told of by number and field', async () => {
    make(source, 'note', { text: 'hello' });
    const lines = await exportedLines(source.graph);
    lines[1] = String(lines[1]).replace(/"valid_from":"[^"]+"/, '"valid_from":"soon"');
    await expect(verify(`${lines.join('\n')}\n`)).rejects.toThrow(/Line 2: valid_from/);
  });

  test('the digest is over all bytes before the last line, so that others can make such a file', async () => {
    make(source, 'note', { text: 'hello' });
    const text = await exportedText(source.graph);
    const end = text.lastIndexOf('\n', text.length - 2) + 1;
    const { sha256 } = JSON.parse(text.slice(end)) as { sha256: string };
    expect(sha256).toBe(createHash('sha256').update(text.slice(0, end)).digest('hex'));
  });
});

describe('the seed', () => {
  const seed = async (options: { force?: boolean; dryRun?: boolean } = {}) =>
    await new LocalHome({ graph: target.graph, clock: target.clock, hubVersion: '0.0.0' }).seed({
      dryRun: options.dryRun ?? false,
      force: options.force ?? false,
    });

  test('makes a home of every kind of thing, with usual edges and a past, and changes nothing the second time', async () => {
    const report = await seed();
    expect([report.refused, report.warnings, report.ended]).toEqual([[], [], 0]);
    const types = new Set(target.graph.list({}, 500).items.map(({ entityType }) => entityType));
    for (const type of ['home', 'room', 'device', 'manual', 'procedure', 'note', 'automation', 'schedule']) {
      expect(types).toContain(type);
    }
    const edges = target.graph.relationships({}, 500).items;
    expect(edges.length).toBeGreaterThan(80);
    for (const { relationshipType, fromEntityId, toEntityId } of edges) {
      const typeOf = (id: string): string => String(target.graph.entity(id)?.entityType);
      expect(endpointWarning(relationshipType, typeOf(fromEntityId), typeOf(toEntityId))).toBeUndefined();
    }
    const found = await target.graph.search.search({ q: 'boiler', limit: 5 });
    expect(found.items.length).toBeGreaterThan(0);
    const lamp = (await target.graph.search.search({ q: 'reading lamp', limit: 1 })).items[0]?.entity;
    const stays = target.graph.history.intervals(String(lamp?.id), {
      direction: 'from',
      relationshipType: 'located_in',
    });
    expect(stays).toHaveLength(2);
    const head = target.graph.committedSeq;
    expect((await seed()).taken).toEqual({ entities: 0, versions: 0, relationships: 0 });
    expect(target.graph.committedSeq).toBe(head);
  });

  test('does not go into a home with things of its own unless that is meant', async () => {
    make(target, 'mine', { name: 'Mine' });
    await expect(seed()).rejects.toThrow(/such as the note "Mine".*--force/);
    expect(target.graph.list({}, 10).items).toHaveLength(1);
    expect((await seed({ force: true, dryRun: true })).taken.entities).toBeGreaterThan(50);
    expect(target.graph.list({}, 10).items).toHaveLength(1);
  });
});
