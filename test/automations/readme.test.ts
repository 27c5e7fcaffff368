import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import type { JsonObject } from '../../src/base/json.ts';

import { parseContent } from '../../src/automations/parse.ts';
import { OUTCOMES } from '../../src/automations/types.ts';
import { contentIssue } from '../../src/graph/graph.ts';

const README = readFileSync(join(import.meta.dirname, '../../src/automations/README.md'), 'utf8');

const examples = [...README.matchAll(/^```json (\w+)\n([^`]*)^```$/gm)].map(([, kind = '', text = '']) => ({
  kind,
  value: JSON.parse(text) as JsonObject,
}));
const of = (kind: string): JsonObject[] =>
  examples.filter((example) => example.kind === kind).map(({ value }) => value);

/** A whole content around a part. */
function whole(kind: string, value: JsonObject): JsonObject {
  if (kind === 'automation' || kind === 'schedule') return value;
  return {
    name: 'x',
    trigger: { type: 'manual' },
    action: { type: 'note', text: 'x' },
    [kind]: value,
  };
}

test('every example of README.md is understood, by the graph, too', () => {
  expect(examples.length).toBeGreaterThan(20);
  // No block is passed over because of how it is marked.
  expect(README.match(/^```./gm)).toHaveLength(examples.length);
  for (const { kind, value } of examples) {
    const type = kind === 'schedule' ? 'schedule' : 'automation';
    const content = whole(kind, value);
    expect(contentIssue(type, content), JSON.stringify(value)).toBeUndefined();
    const { problems, triggers, conditions, actions } = parseContent(type, content);
    expect(problems, JSON.stringify(value)).toEqual([]);
    expect(triggers).toHaveLength(1);
    if (kind === 'condition') expect(conditions).toHaveLength(1);
    if (kind === 'action') expect(actions).toHaveLength(1);
  }
});

test('a part of an example that is spelled wrong is noticed, so that the test above says something', () => {
  for (const { kind, value } of examples) {
    const said = Object.keys(value).find((key) => ['type', 'at', 'cron', 'time', 'actions'].includes(key));
    const broken = { ...value, [said ?? 'type']: 'nonsense' };
    const type = kind === 'schedule' ? 'schedule' : 'automation';
    expect(parseContent(type, whole(kind, broken)).problems, JSON.stringify(broken)).not.toEqual([]);
  }
});

test('README.md has an example of each trigger, condition and action, and tells each outcome', () => {
  const types = (kind: string): string[] => [...new Set(of(kind).map(({ type }) => String(type)))].toSorted();
  expect(types('trigger')).toEqual(['event', 'manual', 'presence', 'schedule', 'state', 'sun', 'time']);
  expect(types('condition')).toEqual(['all', 'any', 'state', 'sun', 'time']);
  expect(README).toContain('"type": "not"');
  expect(types('action')).toEqual(['command', 'note', 'scene']);
  for (const outcome of OUTCOMES) expect(README).toContain(`\`${outcome}\``);
});
