/** A model of the first generation, and the topics that each of its kind has. */
export interface Gen1Model {
  readonly name: string;
  /** What the firmware calls it. */
  readonly code: string;
  /** Below the device's own topic; by mode where the topics depend on it. */
  readonly topics: readonly string[];
  readonly topicsByMode?: Readonly<Record<string, readonly string[]>>;
  /** It wakes up to tell, and is away otherwise. */
  readonly sleeps: boolean;
}

function model(
  name: string,
  code: string,
  topics: readonly string[],
  more: Partial<Gen1Model> = {},
): Gen1Model {
  return { name, code, topics, sleeps: false, ...more };
}

const SLEEPS = { sleeps: true };

function metered(count: number): string[] {
  return Array.from({ length: count }, (_, n) => [
    `relay/${n}`,
    `relay/${n}/power`,
    `relay/${n}/energy`,
  ]).flat();
}

function numbered(path: string, count: number): string[] {
  return Array.from({ length: count }, (_, n) => path.replace('N', String(n)));
}

const ROLLER = ['roller/0', 'roller/0/power', 'roller/0/energy'];
const PHASE = ['power', 'voltage', 'total', 'total_returned'].map((name) => `emeter/N/${name}`);

/** By the first part of the id, as it stands in topics; the rest of the id is the MAC or its end. */
const MODELS: Readonly<Record<string, Gen1Model>> = {
  shelly1: model('Shelly 1', 'SHSW-1', ['relay/0', 'input/0']),
  shelly1l: model('Shelly 1L', 'SHSW-L', [...metered(1), 'input/0', 'input/1', 'temperature']),
  shelly1pm: model('Shelly 1PM', 'SHSW-PM', [...metered(1), 'input/0', 'temperature']),
  shellyswitch: model('Shelly 2', 'SHSW-21', [], {
    topicsByMode: { relay: ['relay/0', 'relay/1', 'relay/power', 'relay/energy'], roller: ROLLER },
  }),
  shellyswitch25: model('Shelly 2.5', 'SHSW-25', ['input/0', 'input/1', 'temperature'], {
    topicsByMode: { relay: metered(2), roller: ROLLER },
  }),
  shelly4pro: model('Shelly 4Pro', 'SHSW-44', metered(4)),
  shellyplug: model('Shelly Plug', 'SHPLG-1', metered(1)),
  'shellyplug-s': model('Shelly Plug S', 'SHPLG-S', [...metered(1), 'temperature']),
  'shellyplug-u1': model('Shelly Plug US', 'SHPLG-U1', metered(1)),
  shellydimmer: model('Shelly Dimmer', 'SHDM-1', ['light/0/power', 'light/0/energy', 'input/0', 'input/1']),
  shellydimmer2: model('Shelly Dimmer 2', 'SHDM-2', [
    'light/0/power',
    'light/0/energy',
    'input/0',
    'input/1',
  ]),
  shellybulb: model('Shelly Bulb', 'SHBLB-1', []),
  shellycolorbulb: model('Shelly Bulb RGBW', 'SHCB-1', []),
  shellybulbduo: model('Shelly Duo', 'SHBDUO-1', ['light/0/power', 'light/0/energy']),
  shellyvintage: model('Shelly Vintage', 'SHVIN-1', ['light/0/power', 'light/0/energy']),
  shellyrgbw2: model('Shelly RGBW2', 'SHRGBW2', ['input/0']),
  shellyem: model('Shelly EM', 'SHEM', ['relay/0', ...PHASE.flatMap((path) => numbered(path, 2))]),
  shellyem3: model('Shelly 3EM', 'SHEM-3', ['relay/0', ...PHASE.flatMap((path) => numbered(path, 3))]),
  shellyix3: model('Shelly i3', 'SHIX3-1', numbered('input_event/N', 3)),
  shellyuni: model('Shelly UNI', 'SHUNI-1', ['relay/0', 'relay/1', 'input/0', 'input/1']),
  shellyht: model(
    'Shelly H&T',
    'SHHT-1',
    ['sensor/temperature', 'sensor/humidity', 'sensor/battery'],
    SLEEPS,
  ),
  shellydw: model('Shelly Door/Window', 'SHDW-1', ['sensor/state', 'sensor/lux', 'sensor/battery'], SLEEPS),
  shellydw2: model(
    'Shelly Door/Window 2',
    'SHDW-2',
    ['sensor/state', 'sensor/lux', 'sensor/battery'],
    SLEEPS,
  ),
  shellyflood: model(
    'Shelly Flood',
    'SHWT-1',
    ['sensor/flood', 'sensor/temperature', 'sensor/battery'],
    SLEEPS,
  ),
  shellysmoke: model(
    'Shelly Smoke',
    'SHSM-01',
    ['sensor/smoke', 'sensor/temperature', 'sensor/battery'],
    SLEEPS,
  ),
  shellybutton1: model('Shelly Button 1', 'SHBTN-1', ['input_event/0', 'sensor/battery'], SLEEPS),
  shellybutton2: model('Shelly Button 1', 'SHBTN-2', ['input_event/0', 'sensor/battery'], SLEEPS),
  shellymotionsensor: model('Shelly Motion', 'SHMOS-01', ['status']),
  shellymotion2: model('Shelly Motion 2', 'SHMOS-02', ['status']),
  shellygas: model('Shelly Gas', 'SHGS-1', ['sensor/gas', 'sensor/concentration']),
  shellytrv: model('Shelly TRV', 'SHTRV-01', []),
};

/** The model by what the firmware calls it, or by the id; undefined for one that is not in the table. */
export function findGen1Model(id: string, code: string | null): Gen1Model | undefined {
  const byCode = code === null ? undefined : Object.values(MODELS).find((found) => found.code === code);
  if (byCode) return byCode;
  const prefix = ID.exec(id)?.[1]?.toLowerCase() ?? '';
  return Object.hasOwn(MODELS, prefix) ? MODELS[prefix] : undefined;
}

/** An id that nobody changed: the model, and the MAC or its last six digits. */
const ID = /^(shelly[a-z0-9-]*)-([0-9a-f]{6}|[0-9a-f]{12})$/i;

/** The digits at the end of an id that nobody changed. */
export function readIdDigits(id: string): string | null {
  return ID.exec(id)?.[2]?.toLowerCase() ?? null;
}

/** The topics that the model is certain to have. */
export function topicsOf(found: Gen1Model, mode: string | null): readonly string[] {
  const byMode = found.topicsByMode ?? {};
  const own = mode !== null && Object.hasOwn(byMode, mode) ? (byMode[mode] ?? []) : [];
  return [...found.topics, ...own];
}
