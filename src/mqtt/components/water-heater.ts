import type { Codec } from './codec.ts';
import type { Config } from './fields.ts';
import type { Templates } from './templates.ts';

import { readOptions, toControlCodec, type ControlSource } from './controls.ts';
import { readModeAndPower } from './operating-mode.ts';
import { readCurrentTemperature, readTargetTemperature, readTemperatureScale } from './temperature.ts';

const MODES = ['off', 'eco', 'electric', 'gas', 'heat_pump', 'high_demand', 'performance'];

/** 110 to 140 °F, in °C. */
const TARGET_RANGE = { min: 43.3, max: 60 };

/**
 * A water heater, https://www.home-assistant.io/integrations/water_heater.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toWaterHeater(config: Config, templates: Templates): Codec {
  const source: ControlSource = { config, templates, sharedTemplates: ['value_template'] };
  const scale = readTemperatureScale(config, TARGET_RANGE);
  const options = readOptions(config, 'modes', MODES);
  return toControlCodec(config, [
    ...readModeAndPower(source, { kind: 'mode', name: 'mode', options }),
    ...readTargetTemperature(source, scale, 'target_temperature', 'temperature'),
    ...readCurrentTemperature(source, scale),
  ]);
}
