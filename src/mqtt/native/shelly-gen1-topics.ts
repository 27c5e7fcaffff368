import { toSensorConfig, type Draft, type Quantity } from './shelly-device.ts';
import { toGen1Light, type LightTrait } from './shelly-gen1-lights.ts';

/** A device's topic that has been seen, or that its model is known to have. */
export interface Gen1Topic {
  /** Below the device's own, such as `relay/0`. */
  readonly path: string;
  /** What the first message showed, where that decides what is offered. */
  readonly traits: readonly LightTrait[];
}

interface TopicContext {
  /** `shellies/<id>`. */
  readonly base: string;
  readonly path: string;
  readonly traits: readonly LightTrait[];
  /** What the firmware calls the model. */
  readonly code: string | null;
  /** Tells a second of its kind from the first: ` 2`, and nothing for the first. */
  readonly suffix: string;
}

/** Without an object id, the draft is named by its path. */
type TopicDraft = Omit<Draft, 'objectId'> & { readonly objectId?: string };
type ToDraft = (context: TopicContext) => TopicDraft | readonly TopicDraft[];

/** Watt-minutes, as the counters of relays, rollers and lights have them. */
const KWH_TEMPLATE = '{{ ((value | float) / 60000) | round(5) }}';

function quantity(
  name: string,
  deviceClass: string | null,
  unit: string | null,
  more: Partial<Quantity> & { template?: string } = {},
): ToDraft {
  const { template, ...rest } = more;
  const stateClass = deviceClass === 'energy' ? 'total_increasing' : 'measurement';
  return ({ base, path, suffix }) => ({
    type: 'sensor',
    config: {
      ...toSensorConfig({ objectId: '', name: `${name}${suffix}`, deviceClass, unit, stateClass, ...rest }),
      state_topic: `${base}/${path}`,
      ...(template === undefined ? {} : { value_template: template }),
    },
  });
}

function binary(
  name: string,
  deviceClass: string | null,
  on: string,
  off: string,
  isDiagnostic = false,
): ToDraft {
  return ({ base, path, suffix }) => ({
    type: 'binary_sensor',
    config: {
      name: `${name}${suffix}`,
      ...(deviceClass === null ? {} : { device_class: deviceClass }),
      ...(isDiagnostic ? { entity_category: 'diagnostic' } : {}),
      state_topic: `${base}/${path}`,
      payload_on: on,
      payload_off: off,
    },
  });
}

const DIAGNOSTIC = { isDiagnostic: true };
const energy = quantity('Energy', 'energy', 'kWh', { template: KWH_TEMPLATE });
const power = quantity('Power', 'power', 'W');

/** Values of one topic that holds an object. */
function ofObject(parts: readonly [key: string, objectId: string, draft: ToDraft][]): ToDraft {
  return (context) =>
    parts.flatMap(([key, objectId, toDraft]) =>
      [toDraft(context)].flat().map(({ type, config }) => ({
        type,
        objectId,
        config: { ...config, value_template: `{{ value_json.${key} | is_defined }}` },
      })),
    );
}

/** The letters of `input_event`, in the words of the later generations. */
const PUSHES = {
  S: 'single_push',
  SS: 'double_push',
  SSS: 'triple_push',
  L: 'long_push',
  SL: 'short_long_push',
  LS: 'long_short_push',
};

/** By the path with `N` for numbers. What is not here says nothing that the hub has a word for. */
const TOPICS: Readonly<Record<string, ToDraft>> = {
  'relay/N': ({ base, path, suffix, code }) => ({
    type: 'switch',
    config: {
      name: suffix === '' ? null : `Output${suffix}`,
      device_class: code?.startsWith('SHPLG') ? 'outlet' : 'switch',
      command_topic: `${base}/${path}/command`,
      payload_on: 'on',
      payload_off: 'off',
      state_topic: `${base}/${path}`,
    },
  }),
  'roller/N': ({ base, path, suffix }) => ({
    type: 'cover',
    config: {
      name: suffix === '' ? null : `Cover${suffix}`,
      device_class: 'shutter',
      command_topic: `${base}/${path}/command`,
      payload_open: 'open',
      payload_close: 'close',
      payload_stop: 'stop',
      state_topic: `${base}/${path}`,
      // The topic says what the motor does, and `open` means that it opens.
      value_template: '{{ {"open": "opening", "close": "closing", "stop": "stopped"}.get(value, "") }}',
      position_topic: `${base}/${path}/pos`,
      // A roller that was not calibrated tells -1.
      position_template: '{% if value | int(-1) >= 0 %}{{ value | int }}{% endif %}',
      set_position_topic: `${base}/${path}/command/pos`,
    },
  }),
  'light/N/status': toLight,
  'color/N/status': toLight,
  'white/N/status': toLight,
  'relay/N/power': power,
  'relay/N/energy': energy,
  'relay/power': power,
  'relay/energy': energy,
  'roller/N/power': power,
  'roller/N/energy': energy,
  'light/N/power': power,
  'light/N/energy': energy,
  'color/N/power': power,
  'color/N/energy': energy,
  'white/N/power': power,
  'white/N/energy': energy,
  'emeter/N/power': power,
  'emeter/N/voltage': quantity('Voltage', 'voltage', 'V'),
  'emeter/N/current': quantity('Current', 'current', 'A'),
  'emeter/N/pf': quantity('Power factor', 'power_factor', null),
  // Other than the counters of relays these count watt-hours.
  'emeter/N/total': quantity('Energy', 'energy', 'Wh'),
  'emeter/N/total_returned': quantity('Returned energy', 'energy', 'Wh'),
  'input/N': binary('Input', null, '1', '0'),
  'input_event/N': ({ base, path, suffix }) => ({
    type: 'event',
    config: {
      name: `Button${suffix}`,
      device_class: 'button',
      event_types: Object.values(PUSHES),
      state_topic: `${base}/${path}`,
      value_template:
        `{% set event = ${JSON.stringify(PUSHES)}.get(value_json.event | is_defined) %}` +
        '{% if event %}{{ {"event_type": event} | tojson }}{% endif %}',
    },
  }),
  temperature: quantity('Device temperature', 'temperature', '°C', DIAGNOSTIC),
  overtemperature: binary('Overheated', 'problem', '1', '0', true),
  voltage: quantity('Voltage', 'voltage', 'V'),
  'ext_temperature/N': quantity('Temperature', 'temperature', '°C'),
  'ext_humidity/N': quantity('Humidity', 'humidity', '%'),
  'ext_switch/N': binary('External switch', null, '1', '0'),
  'adc/N': quantity('Measured voltage', 'voltage', 'V'),
  info: ofObject([
    ['wifi_sta.rssi', 'rssi', quantity('Wi-Fi signal', 'signal_strength', 'dBm', DIAGNOSTIC)],
    ['has_update', 'update', binary('Update available', 'update', 'True', 'False', true)],
  ]),
  'sensor/temperature': quantity('Temperature', 'temperature', '°C'),
  'sensor/humidity': quantity('Humidity', 'humidity', '%'),
  'sensor/battery': quantity('Battery', 'battery', '%', DIAGNOSTIC),
  'sensor/lux': quantity('Illuminance', 'illuminance', 'lx'),
  'sensor/flood': binary('Flood', 'moisture', 'true', 'false'),
  'sensor/smoke': binary('Smoke', 'smoke', 'true', 'false'),
  'sensor/state': binary('Contact', 'opening', 'open', 'close'),
  'sensor/vibration': binary('Vibration', 'vibration', '1', '0'),
  'sensor/motion': binary('Motion', 'motion', 'true', 'false'),
  // Motion sensors say everything in one object.
  status: ofObject([
    ['motion', 'motion', binary('Motion', 'motion', 'True', 'False')],
    ['vibration', 'vibration', binary('Vibration', 'vibration', 'True', 'False')],
    ['lux', 'lux', quantity('Illuminance', 'illuminance', 'lx')],
    ['bat', 'battery', quantity('Battery', 'battery', '%', DIAGNOSTIC)],
  ]),
  'sensor/concentration': quantity('Gas concentration', null, 'ppm'),
  'sensor/gas': ({ base, path }) => ({
    type: 'binary_sensor',
    config: {
      name: 'Gas',
      device_class: 'gas',
      state_topic: `${base}/${path}`,
      value_template: '{{ {"none": "OFF", "mild": "ON", "heavy": "ON", "test": "OFF"}.get(value, "") }}',
    },
  }),
};

function toLight({ base, path, suffix, traits, code }: TopicContext): TopicDraft {
  const lamp = path.slice(0, -'/status'.length);
  return {
    type: 'light',
    objectId: lamp.replace('/', '_'),
    config: {
      name: suffix === '' ? null : `Light${suffix}`,
      ...toGen1Light(`${base}/${lamp}`, traits, code),
    },
  };
}

/** The path with `N` for its numbers, when it is one that something can be made of. */
export function toTopicForm(path: string): string | undefined {
  const form = path.replaceAll(/(?<=\/)\d{1,2}(?=\/|$)/g, 'N');
  return Object.hasOwn(TOPICS, form) ? form : undefined;
}

/** Whether what a topic offers is only known once its first message has been seen. */
export function needsSample(form: string): boolean {
  return form === 'status' || TOPICS[form] === toLight;
}

/** What a device's topics come to. */
export function toGen1Drafts(topics: readonly Gen1Topic[], base: string, code: string | null): Draft[] {
  const forms = topics.map(({ path }) => toTopicForm(path));
  return topics.flatMap(({ path, traits }, at): Draft[] => {
    const form = forms[at];
    const toDraft = form === undefined ? undefined : TOPICS[form];
    if (!toDraft) return [];
    const index = Number(/\/(\d+)/.exec(path)?.[1] ?? 0);
    const siblings = forms.filter((other) => other === form).length;
    const suffix = siblings > 1 || index > 0 ? ` ${index + 1}` : '';
    const drafts = [toDraft({ base, path, traits, code, suffix })].flat();
    return drafts.map((draft) => ({ objectId: path.replaceAll('/', '_'), ...draft }));
  });
}
