import type { Capability, CapabilityWrite, HueSaturation } from '../../devices/types.ts';
import type { CharacteristicPlan, Component, DeviceValues, Requested, ServicePlan } from '../service-plan.ts';

import {
  clamp,
  hueSaturationToMired,
  miredToHueSaturation,
  toBoolean,
  toBrightness,
  toHueSaturation,
  toMired,
  toMiredRange,
} from '../convert.ts';

interface Parts {
  readonly onOff: Capability;
  readonly brightness: Capability | undefined;
  readonly color: Capability | undefined;
  readonly temperature: Capability | undefined;
}

/** A lamp: On, and Brightness, Hue with Saturation and ColorTemperature as far as it can. */
export function planLightbulb(component: Component): ServicePlan | null {
  const onOff = writable(component, 'on_off');
  if (!onOff) return null;
  const parts: Parts = {
    onOff,
    brightness: writable(component, 'brightness'),
    color: writable(component, 'color_hs'),
    temperature: writable(component, 'color_temperature'),
  };
  return {
    kind: 'Lightbulb',
    subtype: component.id,
    component: component.id,
    label: component.label,
    characteristics: planCharacteristics(parts),
    actuator: {
      toWrites: (requested, values) => toLightWrites(parts, requested, values),
      isHalf: (requested) => requested.has('Hue') !== requested.has('Saturation'),
      blinks: true,
    },
  };
}

function writable(component: Component, kind: Capability['kind']): Capability | undefined {
  const capability = component.byKind.get(kind);
  return capability?.writable ? capability : undefined;
}

/**
 * Only an unknown On is shown as unknown. The others depend on the lamp's mode (white or colour, on or off), in which
 * real lamps leave some of them out; an error there would make Apple Home show a working lamp as "No Response".
 */
function planCharacteristics(parts: Parts): CharacteristicPlan[] {
  const { onOff, brightness, color, temperature } = parts;
  const plans: CharacteristicPlan[] = [
    { kind: 'On', source: onOff.name, range: null, read: (values) => toBoolean(values.get(onOff.name)) },
  ];
  if (brightness) {
    plans.push({
      kind: 'Brightness',
      source: brightness.name,
      range: null,
      read: (values) => toBrightness(values.get(brightness.name)) ?? ifOff(onOff, values, 0),
    });
  }
  if (color) {
    const read = (values: DeviceValues): HueSaturation | undefined => readColor(parts, values);
    plans.push(
      { kind: 'Hue', source: color.name, range: null, read: (values) => read(values)?.hue },
      { kind: 'Saturation', source: color.name, range: null, read: (values) => read(values)?.saturation },
    );
  }
  if (temperature) {
    const range = toMiredRange(temperature.range);
    plans.push({
      kind: 'ColorTemperature',
      source: temperature.name,
      range,
      read: (values) => {
        const mired = toMired(values.get(temperature.name), range);
        if (mired !== undefined) return mired;
        const shown = color && toHueSaturation(values.get(color.name));
        return shown ? hueSaturationToMired(shown, range) : ifOff(onOff, values, range.min);
      },
    });
  }
  return plans;
}

function readColor(parts: Parts, values: DeviceValues): HueSaturation | undefined {
  const { onOff, color, temperature } = parts;
  const shown = color && toHueSaturation(values.get(color.name));
  if (shown) return shown;
  const mired = temperature && toMired(values.get(temperature.name), toMiredRange(temperature.range));
  return mired === undefined ? ifOff(onOff, values, { hue: 0, saturation: 0 }) : miredToHueSaturation(mired);
}

/** What a lamp that is off shows for a setting that it has not told. */
function ifOff<T>(onOff: Capability, values: DeviceValues, value: T): T | undefined {
  return values.get(onOff.name) === false ? value : undefined;
}

function toLightWrites(parts: Parts, requested: Requested, values: DeviceValues): CapabilityWrite[] {
  const { onOff, brightness, color, temperature } = parts;
  // A dimmer sent to 0 is meant to go out; no device takes brightness 0 for that.
  if (requested.get('On') === false || requested.get('Brightness') === 0) {
    return [{ capability: onOff.name, value: false }];
  }
  const writes: CapabilityWrite[] = [];
  if (requested.get('On') === true) writes.push({ capability: onOff.name, value: true });
  const level = numberOf(requested, 'Brightness');
  if (brightness && level !== undefined) {
    const { min, max } = brightness.range ?? { min: 1, max: 100 };
    writes.push({ capability: brightness.name, value: clamp(level, min, max) });
  }
  const hue = numberOf(requested, 'Hue');
  const saturation = numberOf(requested, 'Saturation');
  const mired = numberOf(requested, 'ColorTemperature');
  if (color && (hue !== undefined || saturation !== undefined)) {
    const shown = readColor(parts, values) ?? { hue: 0, saturation: 100 };
    const value = { hue: hue ?? shown.hue, saturation: saturation ?? shown.saturation };
    writes.push({ capability: color.name, value });
  } else if (temperature && mired !== undefined) {
    writes.push({ capability: temperature.name, value: mired });
  }
  return writes;
}

function numberOf(
  requested: Requested,
  kind: 'Brightness' | 'Hue' | 'Saturation' | 'ColorTemperature',
): number | undefined {
  const value = requested.get(kind);
  return typeof value === 'number' ? value : undefined;
}
