import type { Codec } from './codec.ts';
import type { Templates } from './templates.ts';

import { toBinarySensor } from './binary-sensor.ts';
import { ConfigProblem, readText, type Config } from './fields.ts';
import { toBasicLight } from './light-basic.ts';
import { toJsonLight } from './light-json.ts';
import { toTemplateLight } from './light-template.ts';
import { toSensor } from './sensor.ts';
import { toSwitch } from './switch.ts';

/** What the hub speaks; a publisher's other components are kept and listed. */
const CODECS: Readonly<Record<string, (config: Config, templates: Templates) => Codec>> = {
  binary_sensor: toBinarySensor,
  light: toLight,
  sensor: toSensor,
  switch: toSwitch,
};

/** The component's language, or the sentence that says why the hub can't speak it. */
export function toCodec(type: string, config: Config, templates: Templates): Codec | string {
  const make = Object.hasOwn(CODECS, type) ? CODECS[type] : undefined;
  if (!make) return `Components of the type "${type}" are not supported yet.`;
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
