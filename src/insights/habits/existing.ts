import type { HomeZone } from '../../base/home-zone.ts';
import type { Sun } from '../../base/sun.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Candidate, ExistingAutomation, SetValue } from './types.ts';

import { isJsonObject } from '../../base/json.ts';
import { parseCron } from '../../base/cron.ts';
import { isNear } from './statistics.ts';

/** An automation that comes this near to a habit does it already, minutes. */
const NEAR_MINUTES = 90;
const MAX_SCENE_DEPTH = 4;

/** When the home does something by itself, as far as it can be read. */
interface Doing {
  /** Minutes of the day; null where it is not by time. */
  readonly minute: number | null;
  /** The device that sets it off. */
  readonly entityId: string | null;
  readonly presence: string | null;
  readonly actions: readonly JsonObject[];
}

/** What is done already: nobody needs it suggested. */
export class ExistingAutomations {
  readonly #doings: readonly Doing[];

  constructor(options: {
    readonly automations: readonly ExistingAutomation[];
    readonly zone: HomeZone;
    readonly sun: Sun | null;
    readonly nowMs: number;
  }) {
    const { automations } = options;
    const byId = new Map(automations.map(({ id, content }) => [id, content]));
    this.#doings = automations.flatMap(({ content }) => {
      const actions = actionsOf(content, byId, MAX_SCENE_DEPTH);
      return triggersOf(content).flatMap((trigger) => doingsOf(trigger, actions, options));
    });
  }

  /** Whether an automation, switched off ones included, does what the habit would. */
  does(candidate: Candidate, usualMinute: number | null): boolean {
    const { rule, target } = candidate;
    return this.#doings.some(({ minute, entityId, presence, actions }) => {
      if (!actions.some((action) => commands(action, target.entityId, target.capability, target.value)))
        return false;
      if (rule.type === 'time')
        return minute !== null && usualMinute !== null && isNear(minute, usualMinute, NEAR_MINUTES);
      if (rule.source.type === 'clock') return minute !== null;
      if (rule.source.type === 'presence') return presence === rule.source.event;
      return entityId === rule.source.entityId;
    });
  }
}

function doingsOf(
  trigger: JsonObject,
  actions: readonly JsonObject[],
  { zone, sun, nowMs }: { zone: HomeZone; sun: Sun | null; nowMs: number },
): Doing[] {
  const nothing: Doing = { minute: null, entityId: null, presence: null, actions };
  const { type } = trigger;
  if (type === 'time') return minutesOf(trigger).map((minute) => ({ ...nothing, minute }));
  if (type === 'sun') {
    const day = sun?.on(zone.dayOf(nowMs));
    const event =
      day && (['dawn', 'sunrise', 'sunset', 'dusk'] as const).find((name) => name === trigger['event']);
    const atMs = event ? day[event] : null;
    if (atMs === null) return [];
    const offset = typeof trigger['offset_minutes'] === 'number' ? trigger['offset_minutes'] : 0;
    return [{ ...nothing, minute: zone.minutesOf(atMs + offset * 60_000) }];
  }
  if (type === 'presence') return [{ ...nothing, presence: String(trigger['event']) }];
  const entityId = trigger['entity_id'];
  return typeof entityId === 'string' ? [{ ...nothing, entityId }] : [];
}

/** The triggers of an automation; a schedule is one itself. */
function triggersOf(content: JsonObject): JsonObject[] {
  const own = [...objectsOf(content['triggers']), ...objectsOf(content['trigger'])];
  if (content['cron'] !== undefined || content['time'] !== undefined) {
    own.push({ type: 'time', at: content['time'] ?? null, cron: content['cron'] ?? null });
  }
  return own;
}

function minutesOf({ at, cron }: JsonObject): number[] {
  const match = typeof at === 'string' ? /^(\d{1,2}):(\d{2})/.exec(at) : null;
  if (match) return [Number(match[1]) * 60 + Number(match[2])];
  if (typeof cron !== 'string') return [];
  try {
    return parseCron(cron).timesMs.map((ms) => ms / 60_000);
  } catch {
    // An automation that cannot be understood does nothing.
    return [];
  }
}

function actionsOf(content: JsonObject, byId: ReadonlyMap<string, JsonObject>, depth: number): JsonObject[] {
  const own = [...objectsOf(content['actions']), ...objectsOf(content['action'])];
  return own.flatMap((action) => {
    const scene = action['type'] === 'scene' ? byId.get(String(action['entity_id'])) : undefined;
    return scene && depth > 0 ? actionsOf(scene, byId, depth - 1) : [action];
  });
}

function commands(action: JsonObject, entityId: string, capability: string, value: SetValue): boolean {
  if (action['entity_id'] !== entityId) return false;
  const values = action['values'];
  const given = isJsonObject(values) ? values[capability] : action['value'];
  const named = isJsonObject(values) ? given !== undefined : action['capability'] === capability;
  // Orders are words of their own, `close` for `closed`; of numbers and words the capability is enough.
  return named && (typeof value !== 'boolean' || given === value);
}

function objectsOf(value: unknown): JsonObject[] {
  return (Array.isArray(value) ? value : [value]).filter(isJsonObject);
}
