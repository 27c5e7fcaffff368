import type { ComponentSpec } from '../../discovery/description.ts';

import { LIMITS } from '../../limits.ts';
import { CLIMATE_FEATURES, toClimate } from './climate.ts';
import { COVER_FEATURES, toCover } from './cover.ts';
import { findFeature, isReadable, printed, propertyTemplate, type Expose } from './expose.ts';
import { FAN_FEATURES, toFan } from './fan.ts';
import { LIGHT_FEATURES, toLight } from './light.ts';
import { setTopic, toCategory, toComponent, toMainName, toName, toObjectId, type Target } from './target.ts';
import { toSwitching, toValue } from './values.ts';

const NO_FEATURES: ReadonlySet<string> = new Set();

/** Switches that are a setting, and not what the device is for. */
const SETTINGS = new Set(['auto_lock', 'away_mode', 'valve_detection', 'window_detection']);

/** The components that a device's or group's exposes make. */
export function toComponents(target: Target): ComponentSpec[] {
  const components = new Map<string, ComponentSpec>();
  for (const expose of target.exposes) {
    for (const spec of toExposed(target, expose)) {
      if (!components.has(spec.id)) components.set(spec.id, spec);
      if (components.size >= LIMITS.componentsPerDevice) return [...components.values()];
    }
  }
  return [...components.values()];
}

function toExposed(target: Target, expose: Expose): ComponentSpec[] {
  switch (expose.type) {
    case 'light':
      return [...toLight(target, expose), ...toOthers(target, expose, LIGHT_FEATURES)];
    case 'switch':
      return [...toSwitch(target, expose), ...toOthers(target, expose, new Set(['state']))];
    case 'cover':
      return [...toCover(target, expose), ...toOthers(target, expose, COVER_FEATURES)];
    case 'climate':
      return [...toClimate(target, expose), ...toOthers(target, expose, CLIMATE_FEATURES)];
    case 'fan':
      return [...toFan(target, expose), ...toOthers(target, expose, FAN_FEATURES)];
    case 'lock':
      return [...toLock(target, expose), ...toOthers(target, expose, new Set(['state']))];
    default:
      if (isPartOfLight(target, expose)) return [];
      return expose.features.length > 0 && expose.property === ''
        ? toOthers(target, expose, NO_FEATURES)
        : toValue(target, expose);
  }
}

/** Features that are not the main thing have components of their own. */
function toOthers(target: Target, expose: Expose, own: ReadonlySet<string>): ComponentSpec[] {
  return expose.features
    .filter(({ name }) => !own.has(name))
    .flatMap((feature) =>
      toValue(target, {
        ...feature,
        endpoint: feature.endpoint ?? expose.endpoint,
        category: feature.category ?? 'config',
      }),
    );
}

/** The effects that a light's own component offers. */
function isPartOfLight(target: Target, { name, property, endpoint }: Expose): boolean {
  if (name !== 'effect' || property !== 'effect') return false;
  return target.exposes.some((light) => light.type === 'light' && light.endpoint === endpoint);
}

function toSwitch(target: Target, expose: Expose): ComponentSpec[] {
  const state = findFeature(expose, 'state') ?? expose.features[0];
  if (!state) return [];
  const isSetting = SETTINGS.has(state.property);
  return [
    toComponent(target, 'switch', isSetting ? state.property : toObjectId('switch', expose), {
      name: isSetting ? toName(state) : toMainName(expose),
      ...toSwitching(target, state),
      ...(isSetting ? { ...toCategory(state), entity_category: 'config' } : {}),
    }),
  ];
}

function toLock(target: Target, expose: Expose): ComponentSpec[] {
  const state = findFeature(expose, 'state');
  if (!state) return [];
  const [lock, unlock] = [printed(state.on ?? 'LOCK'), printed(state.off ?? 'UNLOCK')];
  return [
    toComponent(target, 'lock', toObjectId('lock', expose), {
      name: toMainName(expose),
      command_topic: setTopic(target, state.property),
      payload_lock: lock,
      payload_unlock: unlock,
      state_locked: lock,
      state_unlocked: unlock,
      ...(isReadable(state)
        ? { state_topic: target.topic, value_template: propertyTemplate(state.property) }
        : {}),
    }),
  ];
}
