import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import { toLight } from './lights.ts';
import { toShutters } from './shutters.ts';
import { commandTopic, OUTPUT, toComponent, type TasmotaDevice } from './device.ts';
import { contentTemplate, powerTemplate } from './templates.ts';

/** Relays, lights, shutters and the fan. */
export function toOutputs(device: TasmotaDevice): ComponentSpec[] {
  const fan = device.isFan ? [toFan(device)] : [];
  return [
    ...toShutters(device),
    ...fan,
    ...device.outputs.flatMap((kind, index) => toOutput(device, kind, index)),
  ];
}

function toOutput(device: TasmotaDevice, kind: number, index: number): ComponentSpec[] {
  // The relays after the first one make the fan's speeds, and are not to be switched on their own.
  if (device.isFan && index > 0) return [];
  const number = index + 1;
  const common = { name: toName(device, index), ...toPower(device, number) };
  if (kind === OUTPUT.light && !device.isFan) {
    return [toComponent(device, 'light', `light_${number}`, { ...common, ...toLight(device, index) })];
  }
  if (kind !== OUTPUT.relay && kind !== OUTPUT.light) return [];
  const isLight = kind === OUTPUT.light || device.isFan || device.option(30);
  return [toComponent(device, isLight ? 'light' : 'switch', `relay_${number}`, common)];
}

function toPower(device: TasmotaDevice, number: number): Config {
  return {
    state_topic: device.stateFilter,
    value_template: powerTemplate(number),
    command_topic: commandTopic(device, `POWER${number}`),
    payload_on: device.words.on,
    payload_off: device.words.off,
  };
}

/** A friendly name of its own; null where a single output goes by the device's name. */
function toName(device: TasmotaDevice, index: number): string | null {
  const name = device.outputNames[index] ?? null;
  if (name !== null) return name;
  const isOnly = device.outputs.filter((kind) => kind !== OUTPUT.none).length === 1;
  return isOnly ? null : `Output ${index + 1}`;
}

/** An iFan; it is turned on with its medium speed. */
function toFan(device: TasmotaDevice): ComponentSpec {
  const guard = '{% set s = d.FanSpeed %}';
  return toComponent(device, 'fan', 'fan', {
    name: null,
    command_topic: commandTopic(device, 'FanSpeed'),
    payload_on: '2',
    payload_off: '0',
    state_topic: device.stateFilter,
    state_value_template: contentTemplate(`${guard}{% if s is number %}{{ 2 if s > 0 else 0 }}{% endif %}`),
    percentage_command_topic: commandTopic(device, 'FanSpeed'),
    percentage_state_topic: device.stateFilter,
    percentage_value_template: contentTemplate(`${guard}{{ s if s is number }}`),
    speed_range_min: 1,
    speed_range_max: 3,
  });
}
