import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import {
  findFeature,
  isReadable,
  isWritable,
  printed,
  propertyTemplate,
  sent,
  type Expose,
} from './expose.ts';
import { BINARY_CLASSES, toMeasurement } from './classes.ts';
import { setTopic, toCategory, toComponent, toName, toObjectId, type Target } from './target.ts';

/** Values with a component of their own: sensors, settings, events. */
export function toValue(target: Target, expose: Expose): ComponentSpec[] {
  switch (expose.type) {
    case 'binary':
      return isWritable(expose) ? toBinarySetting(target, expose) : toBinarySensor(target, expose);
    case 'numeric':
      return isWritable(expose)
        ? [toNumber(target, expose)]
        : toSensor(target, expose, toMeasurement(expose));
    case 'enum':
      if (/^action$/.test(expose.name)) return toAction(target, expose);
      return isWritable(expose) ? toChoice(target, expose) : toSensor(target, expose, toOptions(expose));
    case 'text':
      return isWritable(expose) ? [toText(target, expose)] : toSensor(target, expose, {});
    case 'composite':
      return expose.name === 'warning' ? toSiren(target, expose) : toComposite(target, expose);
    default:
      return [];
  }
}

/** Where a value is read, unless it is one that can only be set. */
function toState(target: Target, expose: Expose): Config {
  if (!isReadable(expose)) return {};
  return { state_topic: target.topic, value_template: propertyTemplate(expose.property) };
}

function toCommon(expose: Expose): Config {
  return { name: toName(expose), ...toCategory(expose) };
}

function toBinarySensor(target: Target, expose: Expose): ComponentSpec[] {
  if (!isReadable(expose)) return [];
  const deviceClass = Object.hasOwn(BINARY_CLASSES, expose.name) ? BINARY_CLASSES[expose.name] : undefined;
  return [
    toComponent(target, 'binary_sensor', toObjectId(expose.name, expose), {
      ...toCommon(expose),
      ...toState(target, expose),
      payload_on: expose.on ?? true,
      payload_off: expose.off ?? false,
      ...(deviceClass === undefined ? {} : { device_class: deviceClass }),
    }),
  ];
}

function toBinarySetting(target: Target, expose: Expose): ComponentSpec[] {
  return [
    toComponent(target, 'switch', toObjectId(`switch_${expose.name}`, expose), {
      ...toCommon(expose),
      ...toSwitching(target, expose),
    }),
  ];
}

/** The keys of a switch. What is sent is JSON, and what a template prints is Python. */
export function toSwitching(target: Target, expose: Expose): Config {
  const [on, off] = [expose.on ?? 'ON', expose.off ?? 'OFF'];
  return {
    ...toState(target, expose),
    command_topic: setTopic(target, expose.property),
    payload_on: sent(on),
    payload_off: sent(off),
    state_on: printed(on),
    state_off: printed(off),
  };
}

function toSensor(target: Target, expose: Expose, measurement: Config): ComponentSpec[] {
  if (!isReadable(expose)) return [];
  return [
    toComponent(target, 'sensor', toObjectId(expose.name, expose), {
      ...toCommon(expose),
      ...toState(target, expose),
      ...measurement,
    }),
  ];
}

function toOptions({ values }: Expose): Config {
  return values.length === 0 ? {} : { device_class: 'enum', options: values };
}

function toNumber(target: Target, expose: Expose): ComponentSpec {
  const { min, max, step, unit } = expose;
  return toComponent(target, 'number', toObjectId(expose.name, expose), {
    ...toCommon(expose),
    ...toState(target, expose),
    command_topic: setTopic(target, expose.property),
    min: min ?? Math.min(0, max ?? 0),
    max: max ?? Math.max(65_535, min ?? 0),
    // Without a step a number is not meant to be whole: an offset of 0.5 °C is a common one.
    step: step ?? (unit === '°C' ? 0.1 : 1),
    ...(unit === null ? {} : { unit_of_measurement: unit }),
  });
}

/** One of several; a single one is something to press. */
function toChoice(target: Target, expose: Expose): ComponentSpec[] {
  const [first, ...others] = expose.values;
  if (first === undefined) return [];
  const command = { ...toCommon(expose), command_topic: setTopic(target, expose.property) };
  const objectId = toObjectId(expose.name, expose);
  if (others.length === 0) {
    return [toComponent(target, 'button', objectId, { ...command, payload_press: first })];
  }
  return [
    toComponent(target, 'select', objectId, {
      ...command,
      ...toState(target, expose),
      options: expose.values,
    }),
  ];
}

function toText(target: Target, expose: Expose): ComponentSpec {
  return toComponent(target, 'text', toObjectId(expose.name, expose), {
    ...toCommon(expose),
    ...toState(target, expose),
    command_topic: setTopic(target, expose.property),
  });
}

/** Presses of buttons and the like. A state that tells of something else holds no action, or an empty one. */
function toAction(target: Target, expose: Expose): ComponentSpec[] {
  if (!isReadable(expose) || expose.values.length === 0) return [];
  const action = `value_json["${expose.property}"]`;
  return [
    toComponent(target, 'event', toObjectId('action', expose), {
      name: toName(expose),
      device_class: 'button',
      state_topic: target.topic,
      event_types: expose.values,
      value_template: `{% if ${action} is string and ${action} != "" %}{"event_type": {{ ${action} | tojson }}}{% endif %}`,
    }),
  ];
}

/** The parts of a setting that is an object, each on its own. */
function toComposite(target: Target, composite: Expose): ComponentSpec[] {
  return composite.features.flatMap((part) => {
    // Parts of parts are lists of colours and schedules, which nobody wants to set one by one.
    if (part.type === 'composite' || part.type === 'list') return [];
    const inherited: Expose = {
      ...part,
      name: `${composite.name}_${part.name}`,
      label: `${toName({ ...composite, endpoint: null })} ${(part.label ?? part.name).toLowerCase()}`,
      endpoint: composite.endpoint,
      category: part.category ?? composite.category ?? 'config',
    };
    return toValue(target, inherited).map((spec) => ({
      ...spec,
      config: { ...spec.config, ...toPartTopics(target, composite, part, spec.config) },
    }));
  });
}

function toPartTopics(target: Target, composite: Expose, part: Expose, config: Config): Config {
  const value =
    part.type === 'numeric' || typeof part.on === 'boolean' ? '{{ value }}' : '{{ value | tojson }}';
  const whole = `value_json["${composite.property}"]`;
  return {
    ...(config.command_topic === undefined
      ? {}
      : {
          command_topic: setTopic(target, composite.property),
          command_template: `{"${part.property}": ${value}}`,
        }),
    ...(config.state_topic === undefined
      ? {}
      : { value_template: `{% if ${whole} is mapping %}{{ ${whole}["${part.property}"] }}{% endif %}` }),
  };
}

/** As Zigbee2MQTT's own discovery describes a siren: it takes warnings, and tells nothing. */
function toSiren(target: Target, warning: Expose): ComponentSpec[] {
  const tones = findFeature(warning, 'mode')?.values.filter((tone) => tone !== 'stop') ?? [];
  const [first = 'emergency'] = tones;
  const topic = setTopic(target, warning.property);
  return [
    toComponent(target, 'siren', toObjectId('siren', warning), {
      name: null,
      optimistic: true,
      command_topic: topic,
      command_template: `{"mode": {{ tone | default(${JSON.stringify(first)}) | tojson }}, "duration": {{ duration | default(10) }}}`,
      command_off_template: '{"mode": "stop"}',
      available_tones: tones,
      support_duration: findFeature(warning, 'duration') !== undefined,
      support_volume_set: false,
    }),
  ];
}
