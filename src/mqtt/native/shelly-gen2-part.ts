import type { Config } from '../components/fields.ts';
import { isObject, readLabel } from '../discovery/expand.ts';
import type { StateSource } from './shelly-gen2-source.ts';

/** What a device answered: its components' configurations and states by names such as `switch:0`. */
export interface Gen2Answers {
  /** Of Shelly.GetDeviceInfo. */
  readonly info: Config;
  readonly config: Config;
  readonly status: Config;
}

/** One component in Shelly's sense. */
export interface Part {
  readonly source: StateSource;
  /** `switch:0`. */
  readonly component: string;
  readonly type: string;
  readonly id: number;
  readonly config: Config;
  readonly status: Config;
  /** `switch_0`. */
  readonly objectId: string;
  /** The name that the person gave it, or one that tells it from its siblings; null for an only one. */
  readonly name: string | null;
}

/** The name becomes part of topics and templates, so it may hold nothing that means something there. */
const COMPONENT = /^([a-z][a-z0-9_]{0,31})(?::(\d{1,4}))?$/;

export function toParts({ config, status }: Gen2Answers, source: StateSource): Part[] {
  const found = Object.keys({ ...config, ...status }).flatMap((component) => {
    const [, type, id] = COMPONENT.exec(component) ?? [];
    return type === undefined ? [] : [{ component, type, id: Number(id ?? 0) }];
  });
  return found.map(({ component, type, id }): Part => {
    const own = isObject(config[component]) ? config[component] : {};
    const siblings = found.filter((other) => other.type === type).length;
    return {
      source,
      component,
      type,
      id,
      config: own,
      status: isObject(status[component]) ? status[component] : {},
      objectId: component.replace(':', '_'),
      name: readLabel(own, 'name') ?? (siblings > 1 ? `${toWord(type)} ${id + 1}` : null),
    };
  });
}

function toWord(type: string): string {
  switch (type) {
    case 'switch':
      return 'Output';
    case 'em1':
    case 'em1data':
    case 'pm1':
      return 'Channel';
    default:
      return type.charAt(0).toUpperCase() + type.slice(1);
  }
}
