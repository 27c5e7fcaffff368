import { createHash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

import type { Graph } from '../graph/graph.ts';
import type { EntityVersion, RelationshipVersion } from '../graph/types.ts';
import type { ExportMode, ExportSummary } from './types.ts';

import { toIso } from '../base/clock.ts';
import { endLine, entityLine, headerLine, relationshipLine } from './format.ts';

/** How much is read and printed in one turn of the event loop: a few milliseconds' work. */
const PAGE = { limit: 100, maxBytes: 256 * 1024 };

export interface ExportOptions {
  readonly mode: ExportMode;
  readonly hubVersion: string;
  readonly nowMs: number;
}

/**
 * The graph as the lines of an export (format.ts), some at a time; the event loop turns between two pieces. Only what is
 * durable is told, and in both modes it is what was there when the export began.
 * @returns the summary that the last line holds.
 */
export async function* exportGraph(
  graph: Graph,
  options: ExportOptions,
): AsyncGenerator<string, ExportSummary, void> {
  await graph.settled();
  const hash = createHash('sha256');
  const counts = { entities: 0, relationships: 0 };
  const header = headerLine({
    mode: options.mode,
    exportedAt: toIso(options.nowMs),
    hubVersion: options.hubVersion,
  });
  hash.update(header);
  yield header;
  for await (const page of options.mode === 'history' ? historyPages(graph) : currentPages(graph)) {
    const text = toText(page);
    hash.update(text);
    counts.entities += page.entities.length;
    counts.relationships += page.relationships.length;
    if (text !== '') yield text;
  }
  const summary = { ...counts, sha256: hash.digest('hex') };
  yield endLine(summary);
  return summary;
}

interface ExportPage {
  readonly entities: readonly EntityVersion[];
  readonly relationships: readonly RelationshipVersion[];
}

async function* historyPages(graph: Graph): AsyncGenerator<ExportPage> {
  const until = graph.headSeq;
  for (let afterSeq = 0; afterSeq < until;) {
    const page = graph.versionsSince(afterSeq, PAGE);
    yield {
      entities: page.entities.filter(({ seq }) => seq <= until),
      relationships: page.relationships.filter(({ seq }) => seq <= until),
    };
    afterSeq = page.scannedSeq;
    await setImmediate();
  }
}

async function* currentPages(graph: Graph): AsyncGenerator<ExportPage> {
  const moment = graph.history.present();
  const { limit } = PAGE;
  let cursor: string | undefined;
  do {
    const page = await graph.history.list({}, limit, cursor, moment);
    yield { entities: page.items, relationships: [] };
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  do {
    const page = await graph.history.relationships({}, limit, cursor, moment);
    yield { entities: [], relationships: page.items };
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** The lines of a page, entities and edges in the order of their seq. */
function toText({ entities, relationships }: ExportPage): string {
  let text = '';
  let e = 0;
  let r = 0;
  while (e < entities.length || r < relationships.length) {
    const entity = entities[e];
    const relationship = relationships[r];
    if (entity && (!relationship || entity.seq < relationship.seq)) {
      text += entityLine(entity);
      e += 1;
    } else if (relationship) {
      text += relationshipLine(relationship);
      r += 1;
    }
  }
  return text;
}
