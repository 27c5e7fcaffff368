/**
 * A phone on the terminal: logs in to a hub, fetches the home, follows it live and says what changes. It uses the
 * library of src/client and nothing else of the hub.
 *
 *   scripts/start.sh --phone [--hub http://localhost:8000] [--username admin] [--password-file FILE] [--store FILE]
 *
 * Without options it finds the hub of `scripts/start.sh --demo`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import {
  ClientError,
  HomeClient,
  MemoryStore,
  Session,
  type Entity,
  type LocalChange,
  type Row,
  type Status,
} from '../../src/client/client.ts';
import { FileStore } from '../../src/client/file-store.ts';

const { values } = parseArgs({
  options: {
    hub: { type: 'string', default: 'http://localhost:8000' },
    username: { type: 'string', default: 'admin' },
    'password-file': { type: 'string', default: 'data-demo/demo-password.txt' },
    store: { type: 'string' },
  },
});

/** What is worth a line. */
const NEWS: ReadonlySet<Status> = new Set(['live', 'offline', 'signed_out']);

/** Names by id, also of what was deleted since. */
const names = new Map<string, string>();

try {
  await run();
} catch (error) {
  if (!(error instanceof ClientError)) throw error;
  console.error(`${values.hub}: ${error.message}`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  const passwordFile = values['password-file'];
  if (!existsSync(passwordFile)) {
    console.error(`There is no ${passwordFile}. Start the demo, or give --password-file.`);
    process.exitCode = 1;
    return;
  }
  const password = readFileSync(passwordFile, 'utf8').trim();
  const session = await Session.login({ hubUrl: values.hub, username: values.username, password });
  const client = await HomeClient.open({
    hubUrl: values.hub,
    store: values.store === undefined ? new MemoryStore() : await FileStore.open(values.store),
    tokens: session.provide,
    userId: session.userId,
  });
  const { pulled } = await client.sync();
  say('  ', `${pulled} rows came from ${values.hub}`);
  await showHome(client);

  client.on('change', (changes) => {
    for (const change of changes) showChange(change);
  });
  client.on('state', ({ entityId, capability, value }) => {
    say('= ', `${nameOf(entityId)}: ${capability} ${String(value)}`);
  });
  client.on('report', ({ id, outcome, message }) => say('! ', `${nameOf(id)}: ${outcome}: ${message}`));
  client.on('notice', ({ level, text }) => say('! ', `${level}: ${text}`));
  // A client that is well goes through `polling` and `syncing` many times a day, within moments: that is no news.
  let said: Status | undefined;
  client.on('status', (status) => {
    if (status === said || !NEWS.has(status)) return;
    said = status;
    say('  ', status);
  });
  client.start();

  const { promise: stopped, resolve: stop } = Promise.withResolvers<void>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop());
  await stopped;
  await client.close();
}

/** The rooms with what is in them, then everything else. */
async function showHome(client: HomeClient): Promise<void> {
  const entities = await client.home.entities();
  for (const entity of entities) names.set(entity.id, titleOf(entity));
  const roomOf = new Map<string, string>();
  for (const { relationshipType, fromEntityId, toEntityId } of await client.home.relationships()) {
    if (relationshipType === 'located_in') roomOf.set(fromEntityId, toEntityId);
  }
  const byTitle = (a: Entity, b: Entity): number => (titleOf(a) < titleOf(b) ? -1 : 1);
  const rooms = entities.filter(({ entityType }) => entityType === 'room').sort(byTitle);
  const others = entities.filter(({ entityType }) => entityType !== 'room').sort(byTitle);
  for (const room of rooms) {
    console.log(`\n${titleOf(room)}`);
    for (const entity of others.filter(({ id }) => roomOf.get(id) === room.id)) showThing(entity);
  }
  const placed = new Set(rooms.map(({ id }) => id));
  const elsewhere = others.filter(({ id }) => !placed.has(roomOf.get(id) ?? ''));
  if (elsewhere.length > 0) console.log('\nIn no room');
  for (const entity of elsewhere) showThing(entity);
  console.log('');
}

function showThing(entity: Entity): void {
  console.log(`  ${titleOf(entity)} (${entity.entityType})`);
}

function showChange({ before, after }: LocalChange): void {
  const shown = after ?? before;
  if (!shown) return;
  if (shown.kind === 'entity' && !shown.deleted) names.set(shown.id, titleOf(shown));
  const isGone = after === null || isOver(after);
  const isNew = !isGone && (before === null || isOver(before));
  const mark = isGone ? '- ' : isNew ? '+ ' : '~ ';
  const details = before && after && !isNew && !isGone ? differences(before, after) : '';
  say(mark, `${describe(shown)}${details}`);
}

function describe(row: Row): string {
  if (row.kind === 'entity') return `${row.entityType} ${nameOf(row.id)}`;
  return `${nameOf(row.fromEntityId)} ${row.relationshipType} ${nameOf(row.toEntityId)}`;
}

function isOver(row: Row): boolean {
  return row.kind === 'entity' ? row.deleted : row.validTo !== null;
}

/** `: name "Lamp" > "Ceiling lamp"`, for each key that differs. */
function differences(before: Row, after: Row): string {
  const [from, to] = [before, after].map((row) => (row.kind === 'entity' ? row.content : row.properties));
  if (!from || !to) return '';
  const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])];
  const told = keys
    .map((key) => [key, JSON.stringify(from[key]), JSON.stringify(to[key])] as const)
    .filter(([, old, now]) => old !== now)
    .map(([key, old, now]) => `${key} ${old ?? 'nothing'} > ${now ?? 'nothing'}`);
  return told.length === 0 ? '' : `: ${told.join(', ')}`;
}

function titleOf(entity: Entity): string {
  const { name, title, text } = entity.content;
  const shown = [name, title, text].find((value) => typeof value === 'string' && value !== '');
  return typeof shown === 'string' ? shown : entity.id;
}

function nameOf(id: string): string {
  return names.get(id) ?? id;
}

function say(mark: string, text: string): void {
  console.log(`${new Date().toLocaleTimeString('en-GB')} ${mark}${text}`);
}
