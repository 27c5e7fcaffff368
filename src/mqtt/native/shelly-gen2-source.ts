import { readFlag, type Config } from '../components/fields.ts';
import { isObject } from '../discovery/expand.ts';
import { OWN_TOPIC, toRpcPayload } from './shelly-device.ts';

/** Where a device of the second or a later generation tells its states, and how templates reach them there. */
export interface StateSource {
  readonly prefix: string;
  readonly kind: 'status' | 'notifications';
  /** The topic of a component such as `switch:0`. */
  topic(component: string): string;
  /** The expression for a component's status in that topic's messages. */
  status(component: string): string;
  /** Whether button presses are told. */
  readonly hasEvents: boolean;
  /** Asks for all states at once; null where that is not possible. */
  readonly refresh: { readonly topic: string; readonly payload: string } | null;
}

/**
 * Picks the source by the device's own configuration; null when it tells nothing.
 *
 * With status updates a component has a topic of its own that holds all of it. They are repeated on demand only where
 * the device also takes plain commands; where it does not, but notifies, the notifications are the better source: an
 * answer to Shelly.GetStatus can be listened to as well, and without it the states would be unknown until they change.
 */
export function toStateSource(prefix: string, config: Config): StateSource | null {
  const mqtt = isObject(config.mqtt) ? config.mqtt : {};
  const hasStatus = readFlag(mqtt, 'status_ntf', false);
  const hasEvents = readFlag(mqtt, 'rpc_ntf', true);
  const takesCommands = readFlag(mqtt, 'enable_control', true);
  if (hasStatus && (takesCommands || !hasEvents)) return fromStatus(prefix, hasEvents, takesCommands);
  return hasEvents ? fromNotifications(prefix) : null;
}

function fromStatus(prefix: string, hasEvents: boolean, takesCommands: boolean): StateSource {
  return {
    prefix,
    kind: 'status',
    topic: (component) => `${prefix}/status/${component}`,
    status: () => 'value_json',
    hasEvents,
    refresh: takesCommands ? { topic: `${prefix}/command`, payload: 'status_update' } : null,
  };
}

/**
 * NotifyStatus holds what changed, NotifyFullStatus everything, and so does the answer to Shelly.GetStatus. The answer
 * is sent to a topic below the device's own, so that one filter holds all three.
 */
function fromNotifications(prefix: string): StateSource {
  const request = { id: 1, src: `${prefix}/${OWN_TOPIC}`, method: 'Shelly.GetStatus' };
  return {
    prefix,
    kind: 'notifications',
    topic: () => `${prefix}/+/rpc`,
    status: (component) => `(value_json.params | default(value_json.result))["${component}"]`,
    hasEvents: true,
    refresh: { topic: `${prefix}/rpc`, payload: JSON.stringify(request) },
  };
}

/** A template that gives the value at a path, and skips messages that do not hold it. */
export function valueTemplate(source: StateSource, component: string, path: string): string {
  return `{{ ${source.status(component)}.${path} | is_defined }}`;
}

/**
 * A template for a command: `{"id":0,"on":true}` with more members, each of which may be under a condition.
 * @param members templates that begin with a comma
 */
export function commandTemplate(method: string, params: Config, members: string): string {
  const fixed = toRpcPayload(method, params);
  // The two closing braces of the parameters and of the frame come after the members.
  return `${fixed.slice(0, -2)}${members}}}`;
}
