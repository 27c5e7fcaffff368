import type { Config } from '../../components/fields.ts';
import type { ComponentSpec } from '../../discovery/description.ts';

import { commandTopic, OUTPUT, toComponent, type TasmotaDevice } from './device.ts';
import { contentTemplate } from './templates.ts';

const INVERTED = 1;

/** Each two relays in a row that belong to a shutter make one. */
export function toShutters(device: TasmotaDevice): ComponentSpec[] {
  const count = countPairs(device.outputs);
  return Array.from({ length: count }, (_, index) =>
    toComponent(device, 'cover', `shutter_${index + 1}`, {
      name: count === 1 ? null : `Shutter ${index + 1}`,
      device_class: 'shutter',
      ...toShutter(device, index),
      ...toTilt(device, index),
    }),
  );
}

function countPairs(outputs: readonly number[]): number {
  let count = 0;
  for (let at = 0; at + 1 < outputs.length; at += 1) {
    if (outputs[at] !== OUTPUT.shutter || outputs[at + 1] !== OUTPUT.shutter) continue;
    count += 1;
    at += 1;
  }
  return count;
}

function toShutter(device: TasmotaDevice, index: number): Config {
  const number = index + 1;
  const isInverted = ((device.shutterOptions[index] ?? 0) & INVERTED) !== 0;
  const [open, closed] = isInverted ? [0, 100] : [100, 0];
  const [opening, closing] = isInverted ? ['< 0', '> 0'] : ['> 0', '< 0'];
  const shutter = toContent(number);
  return {
    command_topic: commandTopic(device, 'Backlog'),
    payload_open: `ShutterOpen${number}`,
    payload_close: `ShutterClose${number}`,
    payload_stop: `ShutterStop${number}`,
    state_topic: device.stateFilter,
    value_template: contentTemplate(
      `${shutter}{% if s.Direction is number %}` +
        `{% if s.Direction ${opening} %}opening{% elif s.Direction ${closing} %}closing` +
        `{% elif s.Position == ${closed} %}closed{% elif s.Position == ${open} %}open` +
        '{% else %}stopped{% endif %}{% endif %}',
    ),
    position_topic: device.stateFilter,
    position_template: contentTemplate(`${shutter}{{ s.Position if s.Position is number }}`),
    position_open: open,
    position_closed: closed,
    set_position_topic: commandTopic(device, `ShutterPosition${number}`),
  };
}

/** `sht` holds the angles of each shutter's slats, closed and open; both 0 where there are none. */
function toTilt(device: TasmotaDevice, index: number): Config {
  const [closed = 0, open = 0] = device.shutterTilts[index] ?? [];
  if (!(open > closed)) return {};
  const number = index + 1;
  return {
    tilt_command_topic: commandTopic(device, `ShutterTilt${number}`),
    tilt_status_topic: device.stateFilter,
    tilt_status_template: contentTemplate(`${toContent(number)}{{ s.Tilt if s.Tilt is number }}`),
    tilt_min: closed,
    tilt_max: open,
    tilt_closed_value: closed,
    tilt_opened_value: open,
  };
}

function toContent(number: number): string {
  return `{% set s = d["Shutter${number}"] if d["Shutter${number}"] is mapping else {} %}`;
}
