import type { Codec } from './codec.ts';
import type { Templates } from './templates.ts';

import { toAlarmControlPanel } from './alarm-control-panel.ts';
import { toBinarySensor } from './binary-sensor.ts';
import { toButton } from './button.ts';
import { toClimate } from './climate.ts';
import { toCover } from './cover.ts';
import { toDeviceAutomation } from './device-automation.ts';
import { toDeviceTracker } from './device-tracker.ts';
import { toEvent } from './event.ts';
import { toFan } from './fan.ts';
import { ConfigProblem, readText, type Config } from './fields.ts';
import { toHumidifier } from './humidifier.ts';
import { toLawnMower } from './lawn-mower.ts';
import { toBasicLight } from './light-basic.ts';
import { toJsonLight } from './light-json.ts';
import { toTemplateLight } from './light-template.ts';
import { toLock } from './lock.ts';
import { toNumberSetting } from './number.ts';
import { toScene } from './scene.ts';
import { toSelect } from './select.ts';
import { toSensor } from './sensor.ts';
import { toSiren } from './siren.ts';
import { toSwitch } from './switch.ts';
import { toTextSetting } from './text.ts';
import { unsupportedSentence } from './unsupported.ts';
import { toUpdate } from './update.ts';
import { toVacuum } from './vacuum.ts';
import { toValve } from './valve.ts';
import { toWaterHeater } from './water-heater.ts';

/** What the hub speaks; a publisher's other components are kept and listed. */
const CODECS: Readonly<Record<string, (config: Config, templates: Templates) => Codec>> = {
  alarm_control_panel: toAlarmControlPanel,
  binary_sensor: toBinarySensor,
  button: toButton,
  climate: toClimate,
  cover: toCover,
  device_automation: toDeviceAutomation,
  device_tracker: toDeviceTracker,
  event: toEvent,
  fan: toFan,
  humidifier: toHumidifier,
  lawn_mower: toLawnMower,
  light: toLight,
  lock: toLock,
  number: toNumberSetting,
  scene: toScene,
  select: toSelect,
  sensor: toSensor,
  siren: toSiren,
  switch: toSwitch,
  text: toTextSetting,
  update: toUpdate,
  vacuum: toVacuum,
  valve: toValve,
  water_heater: toWaterHeater,
};

/** The component's language, or the sentence that says why the hub can't speak it. */
export function toCodec(type: string, config: Config, templates: Templates): Codec | string {
  const make = Object.hasOwn(CODECS, type) ? CODECS[type] : undefined;
  if (!make) return unsupportedSentence(type);
  try {
    return make(config, templates);
  } catch (error) {
    if (error instanceof ConfigProblem) return error.message;
    throw error;
  }
}

function toLight(config: Config, templates: Templates): Codec {
  const schema = readText(config, 'schema') ?? 'basic';
  switch (schema.toLowerCase()) {
    case 'basic':
    case 'default':
      return toBasicLight(config, templates);
    case 'json':
      return toJsonLight(config);
    case 'template':
      return toTemplateLight(config, templates);
    default:
      throw new ConfigProblem(`Lights with the schema "${schema.slice(0, 40)}" are not supported.`);
  }
}
