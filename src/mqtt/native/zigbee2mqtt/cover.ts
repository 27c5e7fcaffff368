import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import { findFeature, isReadable, isWritable, propertyTemplate, type Expose } from './expose.ts';
import { setTopic, toComponent, toMainName, toObjectId, type Target } from './target.ts';

export const COVER_FEATURES = new Set(['state', 'position', 'tilt']);

/** Values that are told beside a cover and say whether it moves. */
export const MOVEMENTS = new Set(['motor_state', 'moving', 'running']);

export function toCover(target: Target, cover: Expose): ComponentSpec[] {
  const state = findFeature(cover, 'state');
  const position = findFeature(cover, 'position');
  if (!state && !position) return [];
  return [
    toComponent(target, 'cover', toObjectId('cover', cover), {
      name: toMainName(cover),
      ...(state ? toOrders(target, cover, state) : {}),
      ...(position ? toPosition(target, position) : {}),
      ...toTilt(target, findFeature(cover, 'tilt')),
    }),
  ];
}

function toOrders(target: Target, cover: Expose, state: Expose): Config {
  const payload = (order: string): string | null => (state.values.includes(order) ? order : null);
  return {
    command_topic: setTopic(target, state.property),
    payload_open: payload('OPEN'),
    payload_close: payload('CLOSE'),
    payload_stop: payload('STOP'),
    ...(isReadable(state)
      ? { state_topic: target.topic, value_template: toStateTemplate(target, cover, state) }
      : {}),
  };
}

/** In the words of Home Assistant. Which way it moves is said by another value, and by the state only while it does. */
function toStateTemplate(target: Target, cover: Expose, state: Expose): string {
  const movement = target.exposes.find(
    ({ name, endpoint }) => MOVEMENTS.has(name) && endpoint === cover.endpoint,
  );
  const rest = `{{ {"OPEN": "open", "CLOSE": "closed", "STOP": "stopped"}[s] | default("") if s is string else s }}`;
  const begin = `{% set s = value_json["${state.property}"] %}`;
  if (!movement) return `${begin}${rest}`;
  const moving = `{% set m = value_json["${movement.property}"] %}`;
  if (movement.type === 'binary') {
    return `${begin}${moving}{% if m is true and s in ["OPEN", "CLOSE"] %}{{ "opening" if s == "OPEN" else "closing" }}{% else %}${rest}{% endif %}`;
  }
  return (
    `${begin}${moving}{% set m = m | upper if m is string else "" %}` +
    '{% if m in ["UP", "OPEN", "OPENING", "FORWARD"] %}opening' +
    '{% elif m in ["DOWN", "CLOSE", "CLOSING", "BACKWARD"] %}closing' +
    `{% else %}${rest}{% endif %}`
  );
}

function toPosition(target: Target, position: Expose): Config {
  return {
    ...(isReadable(position)
      ? { position_topic: target.topic, position_template: propertyTemplate(position.property) }
      : {}),
    ...(isWritable(position) ? { set_position_topic: setTopic(target, position.property) } : {}),
  };
}

function toTilt(target: Target, tilt: Expose | undefined): Config {
  if (!tilt) return {};
  return {
    tilt_command_topic: setTopic(target, tilt.property),
    ...(isReadable(tilt)
      ? { tilt_status_topic: target.topic, tilt_status_template: propertyTemplate(tilt.property) }
      : {}),
  };
}
