import { isIPv4, isIPv6 } from 'node:net';

import type { BridgeReply, HomekitReply } from './homekit-command.ts';

import { answersAsHap, browse, outerAddresses } from '../base/neighbourhood.ts';

/** ciao probes for a second before it announces; a browser asks again after one. */
const BROWSE_MS = 6000;
const LOOPBACK = '127.0.0.1';

/** What was found out about one bridge. */
export interface BridgeCheck {
  readonly name: string;
  readonly port: number;
  readonly problem: string | null;
  /** The ports under which its id was announced; empty where it was not heard. */
  readonly announced: readonly number[];
  /** Where it answered as HomeKit does. */
  readonly answers: readonly string[];
  /** Where it did not. */
  readonly silent: readonly string[];
  /** What a person can do; empty where all is well. */
  readonly advice: readonly string[];
}

export interface HomekitCheck {
  readonly ok: boolean;
  readonly bridges: readonly BridgeCheck[];
}

export interface CheckOptions {
  /** This machine's own addresses, by which others reach it; a link-local one with its interface, `fe80::1%eth0`. */
  readonly addresses?: readonly string[];
  readonly browseMs?: number;
}

/**
 * Looks at the hub's bridges as a phone would, from a process of its own: listens for their announcements, and opens their
 * ports by the address that the network knows. What stands between this machine and the phone it cannot see.
 */
export async function checkHomekit(
  reply: Pick<HomekitReply, 'advertiser' | 'bridges'>,
  options: CheckOptions = {},
): Promise<HomekitCheck> {
  const { addresses = outerAddresses(), browseMs = BROWSE_MS } = options;
  const isAnnounced = reply.advertiser !== null && reply.bridges.length > 0;
  const wanted = reply.bridges.map(({ username }) => username);
  const heard = isAnnounced
    ? await browse({ type: 'hap', ids: wanted, addresses, forMs: browseMs })
    : new Map<string, Set<number>>();
  const bridges = await Promise.all(
    reply.bridges.map(async (bridge) => await checkBridge(bridge, reply.advertiser, heard, addresses)),
  );
  return { ok: bridges.length > 0 && bridges.every(({ advice }) => advice.length === 0), bridges };
}

async function checkBridge(
  bridge: BridgeReply,
  advertiser: string | null,
  heard: ReadonlyMap<string, ReadonlySet<number>>,
  addresses: readonly string[],
): Promise<BridgeCheck> {
  const { name, port, problem, username } = bridge;
  const places = [...new Set([...addresses, LOOPBACK])];
  const opened = await Promise.all(
    places.map(async (address) => ({ address, isHap: await answersAsHap(address, port) })),
  );
  const answers = opened.filter(({ isHap }) => isHap).map(({ address }) => address);
  const silent = opened.filter(({ isHap }) => !isHap).map(({ address }) => address);
  const announced = [...(heard.get(username) ?? [])];
  const advice = [
    ...portAdvice(bridge, addresses, answers),
    ...(problem === null ? announcementAdvice(port, advertiser, announced, addresses) : []),
  ];
  return { name, port, problem, announced, answers, silent, advice };
}

function portAdvice(
  { problem, port }: BridgeReply,
  addresses: readonly string[],
  answers: readonly string[],
): string[] {
  if (problem !== null) return [problem];
  if (answers.length === 0) {
    return [
      `Nothing answers on port ${port}, not even on this machine. Restart the hub and look at its log.`,
    ];
  }
  if (addresses.length === 0) return ['This machine has no network: only itself can reach the hub.'];
  const opens = (family: readonly string[]): boolean => family.some((address) => answers.includes(address));
  if (!opens(addresses)) {
    return [
      `Port ${port} can be opened on this machine only, not by ${addresses.join(', ')}. A firewall closes it: allow TCP ${port} (\`sudo ufw allow ${port}/tcp\`).`,
    ];
  }
  // Phones take the first address that they were told, and some wait for long before they try the other kind.
  return [
    ['IPv4', 'IPv6', addresses.filter((address) => isIPv4(address))] as const,
    ['IPv6', 'IPv4', addresses.filter((address) => isIPv6(address))] as const,
  ]
    .filter(([, , family]) => family.length > 0 && !opens(family))
    .map(
      ([closed, open, family]) =>
        `Port ${port} can be opened over ${open} but not over ${closed} (${family.join(', ')}). A firewall closes it there: allow TCP ${port} for ${closed} too.`,
    );
}

function announcementAdvice(
  port: number,
  advertiser: string | null,
  announced: readonly number[],
  addresses: readonly string[],
): string[] {
  if (advertiser === null) {
    return [
      'The hub announces nothing (mdns.enabled is false), and Apple Home finds only what is announced.',
    ];
  }
  const hasSixOnly = addresses.length > 0 && addresses.every((address) => isIPv6(address));
  if (announced.length === 0 && hasSixOnly && advertiser !== 'avahi') {
    return [
      `Its announcement was not heard: this machine has IPv6 addresses only, and ${advertiser} announces over IPv4. Give it an IPv4 address, or set homekit.advertiser to avahi where avahi-daemon runs.`,
    ];
  }
  if (announced.length === 0) {
    const other =
      advertiser === 'avahi'
        ? 'Does avahi-daemon run, and may it be asked over D-Bus? Else set homekit.advertiser to ciao.'
        : 'Or another mDNS responder holds the port: where avahi-daemon runs, set homekit.advertiser to avahi, else to bonjour-hap.';
    return [
      `Its announcement was not heard. A firewall closes UDP 5353: allow it (\`sudo ufw allow 5353/udp\`). ${other}`,
    ];
  }
  if (announced.every((each) => each === port)) return [];
  return [
    `Its id is announced with port ${announced.filter((each) => each !== port).join(', ')} too, so a copy of this hub runs on the network. Stop one of the two.`,
  ];
}

/** The outcome for a person. */
export function checkText({ ok, bridges }: HomekitCheck): string {
  if (bridges.length === 0) return 'HomeKit is switched off (homekit.enabled).';
  const lines = bridges.flatMap(({ name, port, announced, answers, advice }) => [
    name,
    `  announcement  ${announced.length > 0 ? 'heard' : 'not heard'}`,
    `  port ${port}    ${answers.length > 0 ? `answers at ${answers.join(', ')}` : 'does not answer'}`,
    ...advice.map((each) => `  ! ${each}`),
    '',
  ]);
  lines.push(
    ok
      ? 'From here all is well. A phone that finds nothing is elsewhere: in another network or a guest Wi-Fi, behind a Wi-Fi that keeps its clients apart ("client isolation"), or behind a switch or access point that drops multicast.'
      : 'What is marked with ! keeps Apple Home from the hub.',
  );
  return lines.join('\n');
}
