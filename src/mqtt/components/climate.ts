import type { Codec } from './codec.ts';
import type { Config } from './fields.ts';
import type { Templates } from './templates.ts';

import { readClimatePreset } from './climate-preset.ts';
import {
  readCommand,
  readOptionControl,
  readOptions,
  toControlCodec,
  toOptionControl,
  type Control,
  type ControlSource,
} from './controls.ts';
import { readCurrentHumidity, readTargetHumidity } from './humidity.ts';
import { readModeAndPower } from './operating-mode.ts';
import { Channel } from './templates.ts';
import { readCurrentTemperature, readTargetTemperature, readTemperatureScale } from './temperature.ts';

const MODES = ['auto', 'off', 'cool', 'heat', 'dry', 'fan_only'];
const ACTIONS = ['off', 'preheating', 'heating', 'cooling', 'drying', 'idle', 'fan', 'defrosting'];

/** In °C. */
const TARGET_RANGE = { min: 7, max: 35 };
const HUMIDITY_RANGE = { min: 30, max: 99 };

/**
 * Heating, cooling, air conditioning, https://www.home-assistant.io/integrations/climate.mqtt/. The mode is set before
 * the preset and both before the temperature: each of them brings a temperature of its own along.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toClimate(config: Config, templates: Templates): Codec {
  const source: ControlSource = { config, templates, sharedTemplates: ['value_template'] };
  const scale = readTemperatureScale(config, TARGET_RANGE);
  const list = (key: string, fallback: readonly string[]): string[] => readOptions(config, key, fallback);
  return toControlCodec(config, [
    ...readModeAndPower(source, { kind: 'hvac_mode', name: 'mode', options: list('modes', MODES) }),
    ...readClimatePreset(source),
    ...readOptionControl(source, {
      kind: 'fan_mode',
      name: 'fan_mode',
      options: list('fan_modes', ['auto', 'low', 'medium', 'high']),
    }),
    ...readOptionControl(source, {
      kind: 'swing_mode',
      name: 'swing_mode',
      options: list('swing_modes', ['on', 'off']),
    }),
    ...readOptionControl(source, {
      kind: 'swing_horizontal_mode',
      name: 'swing_horizontal_mode',
      options: list('swing_horizontal_modes', ['on', 'off']),
    }),
    ...readTargetTemperature(source, scale, 'target_temperature', 'temperature'),
    ...readTargetTemperature(source, scale, 'target_temperature_low', 'temperature_low'),
    ...readTargetTemperature(source, scale, 'target_temperature_high', 'temperature_high'),
    ...readTargetHumidity(source, readCommand(source, 'target_humidity'), HUMIDITY_RANGE),
    ...readCurrentTemperature(source, scale),
    ...readCurrentHumidity(source),
    ...readAction(source),
  ]);
}

function readAction({ config, templates, sharedTemplates }: ControlSource): Control[] {
  const channel = Channel.read(config, 'action_topic', ['action_template', ...sharedTemplates], templates);
  return toOptionControl('hvac_action', ACTIONS, 'None', channel, null);
}
