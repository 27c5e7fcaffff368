import { connect } from 'node:net';

import type { Check, Finding } from '../types.ts';

import { errorCode, errorText } from '../../../base/errors.ts';
import { toIso } from '../../../base/clock.ts';
import { answersAsHap, browse, outerAddresses } from '../../../base/neighbourhood.ts';
import { counted } from '../../io.ts';

const BROWSE_MS = 6000;
const BROWSE_EVERY_MS = 10 * 60_000;
const BROWSE_LIMIT_MS = 12_000;
const DIAL_MS = 600;
/** What one silent topic makes unreachable before it is a problem of the house and not of a device. */
const MANY_COMPONENTS = 5;

/** Something that is announced: its service, its id, and the port that others are to come to. */
export interface Announcement {
  /** `funkygibbon`, `hap`. */
  readonly type: string;
  readonly id: string;
  readonly port: number;
}

export interface MdnsCheckOptions {
  /** Null where nothing is announced. */
  readonly announced: () => readonly Announcement[] | null;
  readonly addresses?: () => readonly string[];
  readonly browseMs?: number;
}

/** Browses for the hub as a phone would. */
export function mdnsCheck({
  announced,
  addresses = outerAddresses,
  browseMs = BROWSE_MS,
}: MdnsCheckOptions): Check {
  return {
    name: 'mdns',
    everyMs: BROWSE_EVERY_MS,
    limitMs: BROWSE_LIMIT_MS,
    look: async (signal) => {
      const wanted = announced();
      if (wanted === null) {
        return {
          status: 'off',
          summary:
            'Nothing is announced on the network: mdns.enabled is false, or the hub is for this machine only.',
        };
      }
      const own = addresses();
      if (own.length === 0) {
        return {
          status: 'warn',
          summary: 'This machine has no network: only itself can reach the hub.',
          whatToDo: 'Look at the cable or the Wi-Fi: `ip address`, `nmcli device`.',
        };
      }
      const heard = await hear(wanted, own, browseMs, signal);
      const missing = wanted.filter(({ id }) => !heard.has(id));
      const elsewhere = wanted.filter(({ id, port }) =>
        [...(heard.get(id) ?? [])].some((each) => each !== port),
      );
      const details = {
        addresses: own,
        heard: wanted.filter(({ id }) => heard.has(id)).map(({ type, id }) => `${type} ${id}`),
        not_heard: missing.map(({ type, id }) => `${type} ${id}`),
      };
      if (missing.length > 0) return { ...unheard(missing, wanted), details };
      if (elsewhere.length > 0) {
        return {
          status: 'warn',
          summary: 'The hub is announced twice, with different ports: a copy of it runs on the network.',
          whatToDo: 'Stop one of the two: a home must not have two hubs of one identity.',
          details,
        };
      }
      return {
        status: 'ok',
        summary: `${counted(wanted.length, 'announcement')} heard, as a phone would.`,
        details,
      };
    },
  };
}

async function hear(
  wanted: readonly Announcement[],
  addresses: readonly string[],
  forMs: number,
  signal: AbortSignal,
): Promise<Map<string, Set<number>>> {
  const types = Map.groupBy(wanted, ({ type }) => type);
  const heard = await Promise.all(
    [...types].map(
      async ([type, of]) => await browse({ type, ids: of.map(({ id }) => id), addresses, forMs, signal }),
    ),
  );
  return new Map(heard.flatMap((each) => [...each]));
}

function unheard(missing: readonly Announcement[], wanted: readonly Announcement[]): Finding {
  const isAll = missing.length === wanted.length;
  const what = [...new Set(missing.map(({ type }) => (type === 'hap' ? 'Apple Home' : 'phones')))].join(
    ' and ',
  );
  return {
    status: 'warn',
    summary: `${isAll ? 'No announcement of the hub was' : 'Not all announcements of the hub were'} heard: ${what} may not find it.`,
    whatToDo: isAll
      ? 'A firewall closes UDP 5353 (`sudo ufw allow 5353/udp`), or the network carries no multicast. `funkygibbon homekit check` looks closer.'
      : 'Another mDNS responder may hold the port: where avahi-daemon runs, set homekit.advertiser to avahi. `funkygibbon homekit check` looks closer.',
  };
}

/** A bridge to Apple Home, as far as health looks at it. */
export interface BridgeStanding {
  readonly number: number;
  readonly name: string;
  readonly port: number;
  readonly paired: boolean;
  readonly accessories: number;
  readonly problem: string | null;
}

/** Whether the bridges answer on their ports. @param bridges null where HomeKit is off */
export function homekitCheck(bridges: () => readonly BridgeStanding[] | null): Check {
  return {
    name: 'homekit',
    freshMs: 30_000,
    look: async () => {
      const all = bridges();
      if (all === null)
        return { status: 'off', summary: 'HomeKit is switched off: homekit.enabled is false.' };
      const looked = await Promise.all(
        all.map(async (bridge) => ({
          ...bridge,
          answers: bridge.problem === null && (await answersAsHap('127.0.0.1', bridge.port)),
        })),
      );
      const details = { bridges: looked.map((bridge) => ({ ...bridge })) };
      const broken = looked.find(({ answers }) => !answers);
      if (broken) {
        return {
          status: 'fail',
          summary: broken.problem ?? `The bridge ${broken.name} does not answer on its port ${broken.port}.`,
          whatToDo:
            'Apple Home shows "No Response". Look at the hub’s log, and restart it; `funkygibbon homekit check` looks closer.',
          details,
        };
      }
      const shown = all.reduce((sum, { accessories }) => sum + accessories, 0);
      const paired = all.some((bridge) => bridge.paired) ? 'paired' : 'not paired yet';
      return {
        status: 'ok',
        summary: `${counted(all.length, 'bridge')} with ${counted(shown, 'accessory', 'accessories')}, ${paired}.`,
        details,
      };
    },
  };
}

/** The link to the MQTT broker, as far as health looks at it. */
export interface BrokerStanding {
  readonly mode: 'embedded' | 'external';
  readonly url: string;
  readonly connected: boolean;
  readonly sinceMs: number;
  readonly problems: readonly {
    readonly kind: string;
    readonly topic: string | null;
    readonly componentIds: readonly string[];
  }[];
}

/** Whether the MQTT broker can be reached. @param standing null where MQTT is off */
export function brokerCheck(standing: () => BrokerStanding | null): Check {
  return {
    name: 'broker',
    look: async () => {
      const known = standing();
      if (known === null) return { status: 'off', summary: 'MQTT is switched off: mqtt.mode is off.' };
      const { mode, url, connected, sinceMs, problems } = known;
      const silent = problems.filter(
        ({ kind, componentIds }) => kind === 'offline' && componentIds.length >= MANY_COMPONENTS,
      );
      const details = {
        mode,
        url,
        connected,
        since: toIso(sinceMs),
        offline_topics: problems.flatMap(({ topic }) => topic ?? []).slice(0, 20),
      };
      if (!connected) {
        const reason = await whyUnreachable(url);
        return {
          status: 'fail',
          summary: `The MQTT broker at ${url} is not reached since ${toIso(sinceMs)}: ${reason}. Its devices are unavailable; the rest goes on, and the hub keeps trying.`,
          whatToDo:
            'See that the broker runs and listens to others than itself (mosquitto: `listener 1883 0.0.0.0`), and that mqtt.url, mqtt.username and mqtt.password are right.',
          details,
        };
      }
      const [bridge] = silent;
      if (bridge) {
        return {
          status: 'warn',
          summary: `${bridge.topic} says that it is offline, and ${bridge.componentIds.length} things hang on it.`,
          whatToDo: 'See that the bridge behind it runs: Zigbee2MQTT, its stick, its power.',
          details,
        };
      }
      return {
        status: 'ok',
        summary: mode === 'embedded' ? `The built-in broker runs at ${url}.` : `Connected to ${url}.`,
        details,
      };
    },
  };
}

/** A try of our own to open the broker's port: the link itself waits between its tries. */
async function whyUnreachable(url: string): Promise<string> {
  const { hostname, port, protocol } = new URL(url);
  const usual = { 'mqtt:': 1883, 'mqtts:': 8883, 'ws:': 80, 'wss:': 443 }[protocol] ?? 1883;
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = connect({
    host: hostname.replaceAll(/^\[|\]$/g, ''),
    port: port === '' ? usual : Number(port),
  });
  socket.setTimeout(DIAL_MS, () => resolve('nothing answers there'));
  socket.on('connect', () =>
    resolve('its port is open, but it does not let the hub in; the hub’s log says why'),
  );
  socket.on('error', (error) => resolve(dialText(error)));
  const reason = await promise;
  socket.destroy();
  return reason;
}

function dialText(error: Error): string {
  switch (errorCode(error)) {
    case 'ECONNREFUSED':
      return 'nothing listens on that port';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name is not known on this network';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no way to that address';
    default:
      return errorText(error) || (errorCode(error) ?? error.name);
  }
}
