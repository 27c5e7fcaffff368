import { readFlag, readText, toText, type Config } from '../components/fields.ts';
import { isObject } from '../discovery/expand.ts';
import { joinNames, toRpcPayload, toSensorConfig, type Draft } from './shelly-device.ts';
import { toBthomeDrafts } from './shelly-gen2-bthome.ts';
import { toButtonEvent } from './shelly-gen2-events.ts';
import {
  toCctLight,
  toDimmer,
  toRelayLight,
  toRgbCctLight,
  toRgbLight,
  toRgbwLight,
  toWhiteNumber,
} from './shelly-gen2-lights.ts';
import { toParts, type Gen2Answers, type Part } from './shelly-gen2-part.ts';
import { holds, MEASURED, PURE_SENSORS } from './shelly-gen2-meters.ts';
import { commandTemplate, valueTemplate, type StateSource } from './shelly-gen2-source.ts';

/** Everything that can be told of a device. */
export function toGen2Drafts(answers: Gen2Answers, source: StateSource): Draft[] {
  const parts = toParts(answers, source);
  return parts
    .flatMap((part) => [...toMainDrafts(part, answers), ...toQuantityDrafts(part)])
    .concat(toBthomeDrafts(parts));
}

/** What the component is there for; see toQuantityDrafts for what it measures besides. */
function toMainDrafts(part: Part, { info, config }: Gen2Answers): Draft[] {
  switch (part.type) {
    case 'switch':
      return isLamp(part, config)
        ? [draft('light', part, part.name, toRelayLight(part))]
        : [draft('switch', part, part.name, toSwitch(part, info))];
    case 'light':
      return [draft('light', part, part.name, toDimmer(part))];
    case 'rgb':
      return [draft('light', part, part.name, toRgbLight(part))];
    case 'rgbw':
      return [
        draft('light', part, part.name, toRgbwLight(part)),
        {
          ...draft('number', part, joinNames(part.name, 'White'), toWhiteNumber(part)),
          objectId: `${part.objectId}_white`,
        },
      ];
    case 'cct':
      return [draft('light', part, part.name, toCctLight(part))];
    case 'rgbcct':
      return [draft('light', part, part.name, toRgbCctLight(part))];
    case 'cover':
      return [draft('cover', part, part.name, toCover(part))];
    case 'input':
      return toInput(part);
    case 'flood':
      return [toAlarm(part, 'Flood', 'moisture', 'alarm')];
    case 'smoke':
      return [toAlarm(part, 'Smoke', 'smoke', 'alarm')];
    case 'occupancy':
    case 'presencezone':
      return [toAlarm(part, 'Presence', 'occupancy', part.status.state === undefined ? 'value' : 'state')];
    case 'sys':
      return [toUpdates(part)];
    default:
      return [];
  }
}

function toQuantityDrafts(part: Part): Draft[] {
  const quantities = MEASURED[part.type] ?? [];
  return quantities
    .filter(({ path }) => holds(part.status, path))
    .map((quantity) => {
      const isPure = PURE_SENSORS.has(part.type);
      return {
        type: 'sensor',
        objectId: isPure ? part.objectId : `${part.objectId}_${quantity.objectId}`,
        config: {
          ...toSensorConfig(quantity),
          name: isPure && part.name !== null ? part.name : joinNames(part.name, quantity.name),
          state_topic: part.source.topic(part.component),
          value_template: valueTemplate(part.source, part.component, quantity.path.join('.')),
        },
      };
    });
}

function draft(type: string, part: Part, name: string | null, config: Config): Draft {
  return { type, objectId: part.objectId, config: { name, ...config } };
}

/** Declared in Shelly's app as the kind of consumer that hangs on the output. */
function isLamp({ id }: Part, config: Config): boolean {
  const sys = isObject(config.sys) ? config.sys : {};
  const data = isObject(sys.ui_data) ? sys.ui_data : {};
  const types: readonly unknown[] = Array.isArray(data.consumption_types) ? data.consumption_types : [];
  return ['light', 'lights'].includes(toText(types[id])?.toLowerCase() ?? '');
}

function toSwitch({ source, component, id }: Part, info: Config): Config {
  const topic = `${source.prefix}/rpc`;
  return {
    device_class: /plug|strip/i.test(readText(info, 'app') ?? '') ? 'outlet' : 'switch',
    command_topic: topic,
    payload_on: toRpcPayload('Switch.Set', { id, on: true }),
    payload_off: toRpcPayload('Switch.Set', { id, on: false }),
    state_topic: source.topic(component),
    value_template: valueTemplate(source, component, 'output'),
    state_on: 'True',
    state_off: 'False',
  };
}

function toCover({ source, component, id, config, status }: Part): Config {
  const topic = `${source.prefix}/rpc`;
  const state = source.topic(component);
  const slat = isObject(config.slat) ? config.slat : {};
  return {
    device_class: 'shutter',
    command_topic: topic,
    payload_open: toRpcPayload('Cover.Open', { id }),
    payload_close: toRpcPayload('Cover.Close', { id }),
    payload_stop: toRpcPayload('Cover.Stop', { id }),
    state_topic: state,
    value_template: valueTemplate(source, component, 'state'),
    // A cover that was not calibrated does not know where it is.
    ...(readFlag(status, 'pos_control', false)
      ? {
          position_topic: state,
          position_template: valueTemplate(source, component, 'current_pos'),
          set_position_topic: topic,
          set_position_template: commandTemplate('Cover.GoToPosition', { id }, ',"pos":{{ position | int }}'),
        }
      : {}),
    ...(readFlag(slat, 'enable', false)
      ? {
          tilt_status_topic: state,
          tilt_status_template: valueTemplate(source, component, 'slat_pos'),
          tilt_command_topic: topic,
          tilt_command_template: commandTemplate(
            'Cover.GoToPosition',
            { id },
            ',"slat_pos":{{ tilt_position | default(value) | int }}',
          ),
        }
      : {}),
  };
}

/** What an input is depends on how it was set up, and nothing at all when it was switched off. */
function toInput(part: Part): Draft[] {
  const { source, component, config, status } = part;
  if (!readFlag(config, 'enable', true)) return [];
  const state = { state_topic: source.topic(component) };
  switch (readText(config, 'type')) {
    case 'button':
      return source.hasEvents
        ? [
            {
              type: 'event',
              objectId: part.objectId,
              config: { name: part.name ?? 'Button', ...toButtonEvent(source, component) },
            },
          ]
        : [];
    case 'analog':
      return holds(status, ['percent'])
        ? [
            draft('sensor', part, part.name ?? 'Input', {
              ...state,
              value_template: valueTemplate(source, component, 'percent'),
              unit_of_measurement: '%',
              state_class: 'measurement',
            }),
          ]
        : [];
    case 'count':
      return [
        draft('sensor', part, joinNames(part.name, 'Count'), {
          ...state,
          value_template: valueTemplate(source, component, 'counts.total'),
          state_class: 'total_increasing',
        }),
      ];
    default:
      return [toAlarm(part, 'Input', null, 'state')];
  }
}

/** A truth value of the status. */
function toAlarm(part: Part, fallbackName: string, deviceClass: string | null, path: string): Draft {
  return draft('binary_sensor', part, part.name ?? fallbackName, {
    ...(deviceClass === null ? {} : { device_class: deviceClass }),
    state_topic: part.source.topic(part.component),
    value_template: valueTemplate(part.source, part.component, path),
    payload_on: 'True',
    payload_off: 'False',
  });
}

function toUpdates({ source, component }: Part): Draft {
  const updates = `${source.status(component)}.available_updates | is_defined`;
  return {
    type: 'binary_sensor',
    objectId: 'update',
    config: {
      name: 'Update available',
      device_class: 'update',
      entity_category: 'diagnostic',
      state_topic: source.topic(component),
      value_template: `{{ "ON" if "stable" in (${updates}) else "OFF" }}`,
    },
  };
}
