import type { Config } from '../../components/fields.ts';

import { commandTopic, OUTPUT, type TasmotaDevice } from './device.ts';
import { contentTemplate, valueTemplate } from './templates.ts';

/** What `lt_st` means. */
const SUBTYPE = { none: 0, dimmer: 1, coldWarm: 2, rgb: 3, rgbWhite: 4, rgbColdWarm: 5 } as const;

/** In the order of the numbers that the command Scheme takes. */
const SCHEMES = ['Solid', 'Wake up', 'Cycle up', 'Cycle down', 'Random'];

/** What a light has besides on and off. The full topic takes several commands at once as a backlog. */
export function toLight(device: TasmotaDevice, index: number): Config {
  const number = index + 1;
  const { lightSubtype: subtype } = device;
  // Each channel is a light of its own.
  if (device.option(68)) return toDimmer(device, `Channel${number}`, `Channel${number}`);
  if (!device.isLinked && subtype >= SUBTYPE.rgbWhite) {
    const part = index - device.outputs.indexOf(OUTPUT.light);
    if (part === 0) return { ...toDimmer(device, 'Dimmer1', 'Dimmer1'), ...toColour(device) };
    if (part !== 1) return {};
    const white = toDimmer(device, 'Dimmer2', 'Dimmer2');
    return subtype === SUBTYPE.rgbColdWarm ? { ...white, ...toTemperature(device) } : white;
  }
  const dimmer = toDimmer(device, device.isTuya ? 'Dimmer3' : 'Dimmer', 'Dimmer');
  switch (subtype) {
    case SUBTYPE.dimmer:
      return dimmer;
    case SUBTYPE.coldWarm:
      return { ...dimmer, ...toTemperature(device) };
    case SUBTYPE.rgb:
      return { ...dimmer, ...toColour(device) };
    case SUBTYPE.rgbWhite:
      return { ...dimmer, ...toColour(device), ...toWhite(device), ...toMode(device, 'white') };
    case SUBTYPE.rgbColdWarm:
      return { ...dimmer, ...toColour(device), ...toTemperature(device), ...toMode(device, 'color_temp') };
    default:
      return device.isTuya ? dimmer : {};
  }
}

function toDimmer(device: TasmotaDevice, command: string, state: string): Config {
  return {
    brightness_scale: 100,
    brightness_command_topic: commandTopic(device, command),
    brightness_state_topic: device.stateFilter,
    brightness_value_template: valueTemplate(state),
  };
}

function toTemperature(device: TasmotaDevice): Config {
  const [min, max] = device.option(82) ? [200, 380] : [153, 500];
  return {
    color_temp_command_topic: commandTopic(device, 'CT'),
    color_temp_state_topic: device.stateFilter,
    color_temp_value_template: valueTemplate('CT'),
    min_mireds: min,
    max_mireds: max,
  };
}

/**
 * Hue and saturation are set one by one, for HSBColor as a whole would set the brightness as well. They are read from
 * HSBColor, which looks the same whether SetOption17 makes Color decimal or not.
 */
function toColour(device: TasmotaDevice): Config {
  return {
    hs_command_topic: commandTopic(device, 'Backlog'),
    hs_command_template:
      'NoDelay;HsbColor1 {{ hue | round | int }};NoDelay;HsbColor2 {{ sat | round | int }}',
    hs_state_topic: device.stateFilter,
    hs_value_template: contentTemplate(
      '{% if d.HSBColor is string %}{% set p = d.HSBColor.split(",") %}' +
        '{% if p | length == 3 %}{{ p[0] ~ "," ~ p[1] }}{% endif %}{% endif %}',
    ),
    effect_list: SCHEMES,
    effect_command_topic: commandTopic(device, 'Scheme'),
    effect_command_template: `{{ ${JSON.stringify(Object.fromEntries(SCHEMES.map((name, at) => [name, at])))}[value] }}`,
    effect_state_topic: device.stateFilter,
    effect_value_template: contentTemplate(
      `{% if d.Scheme is integer and d.Scheme >= 0 %}{{ ${JSON.stringify(SCHEMES)}[d.Scheme] }}{% endif %}`,
    ),
  };
}

function toWhite(device: TasmotaDevice): Config {
  return { white_command_topic: commandTopic(device, 'White'), white_scale: 100 };
}

/** The lamp reports a colour and a white at all times; the white's level tells which of them shines. */
function toMode(device: TasmotaDevice, white: 'white' | 'color_temp'): Config {
  return {
    color_mode_state_topic: device.stateFilter,
    color_mode_value_template: contentTemplate(
      `{% if d.White is number %}{{ "${white}" if d.White > 0 else "hs" }}{% endif %}`,
    ),
  };
}
