import { readFlag, readText, type Config } from '../components/fields.ts';
import { LIMITS } from '../limits.ts';
import type { ComponentSpec } from './description.ts';
import {
  expandConfig,
  inheritOptions,
  isObject,
  parseObject,
  PayloadProblem,
  resolveBaseTopic,
} from './expand.ts';
import type { DiscoveryTopic } from './topic.ts';

/** What a discovery message with content says. */
export type DiscoveryPayload =
  /** The components come back on another topic: let go of them without taking them for withdrawn. */
  | { readonly kind: 'migrate' }
  | {
      readonly kind: 'components';
      readonly components: readonly ComponentSpec[];
      /** Identities that the publisher withdraws while the others stay. */
      readonly withdrawn: readonly string[];
      /** Sentences about what could not be used. */
      readonly problems: readonly string[];
      /** Who published, for the log. */
      readonly origin: string | null;
    };

/** The identity of a single component's topic. */
export function componentId(type: string, path: readonly string[]): string {
  return [type, ...path].join('/');
}

/** @throws PayloadProblem when nothing of it can be used. */
export function parsePayload(topic: DiscoveryTopic, text: string): DiscoveryPayload {
  const root = expandConfig(parseObject(text));
  if (readFlag(root, 'migrate_discovery', false)) return { kind: 'migrate' };
  const origin = isObject(root.origin) ? readText(root.origin, 'name') : null;
  if (topic.component === 'device') return parseDevice(topic, root, origin);
  const component: ComponentSpec = {
    id: componentId(topic.component, topic.path),
    type: topic.component,
    objectId: topic.path.at(-1) ?? '',
    config: resolveBaseTopic(root),
  };
  return { kind: 'components', components: [component], withdrawn: [], problems: [], origin };
}

/** https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload */
function parseDevice(topic: DiscoveryTopic, root: Config, origin: string | null): DiscoveryPayload {
  // The documentation's text also calls it `cmp`, which is in none of its tables.
  const all = root.components ?? root.cmp;
  if (!isObject(all)) throw new PayloadProblem('the payload describes a device without components');
  if (!isObject(root.device)) throw new PayloadProblem('the payload describes components without a device');
  const components: ComponentSpec[] = [];
  const withdrawn: string[] = [];
  const problems: string[] = [];
  const entries = Object.entries(all);
  if (entries.length > LIMITS.componentsPerDevice) {
    problems.push(
      `only the first ${LIMITS.componentsPerDevice} of its ${entries.length} components are taken`,
    );
  }
  for (const [key, value] of entries.slice(0, LIMITS.componentsPerDevice)) {
    const own = isObject(value) ? expandConfig(value) : {};
    const type = readText(own, 'platform');
    if (type === null || !/^[a-z0-9_]{1,64}$/.test(type) || !isKey(key)) {
      problems.push(`its component "${key.slice(0, 80)}" has no usable platform or key`);
      continue;
    }
    const id = componentId(type, [...topic.path, key]);
    if (Object.keys(own).length === 1) withdrawn.push(id);
    else components.push({ id, type, objectId: key, config: resolveBaseTopic(inheritOptions(own, root)) });
  }
  return { kind: 'components', components, withdrawn, problems, origin };
}

/** A slash would make one identity of two. */
function isKey(key: string): boolean {
  return key.length > 0 && key.length <= 255 && !/[/\p{Cc}]/u.test(key);
}
