import { Bonjour } from 'bonjour-service';
import { describe, expect, test } from 'vitest';

import type { FoundAccessory } from '../../src/accessories/types.ts';

import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/log.ts';
import { HapDiscovery, toFound } from '../../src/accessories/discovery.ts';

const REFERER = { address: '192.0.2.1', family: 'IPv4' as const, port: 5353, size: 1 };
const SERVICE = {
  fqdn: 'My. Lamp._hap._tcp.local',
  port: 1234,
  txt: { ID: 'ca:fe:00:00:00:01', md: 'M', sf: '1', 'c#': '3', ci: '5', pv: '1.1' } as unknown,
  addresses: ['fe80::1', '192.0.2.7'],
  referer: REFERER,
};

describe('an announcement', () => {
  test('is read', () => {
    expect(toFound(SERVICE)).toEqual({
      id: 'CA:FE:00:00:00:01',
      name: 'My. Lamp',
      model: 'M',
      address: '192.0.2.7',
      port: 1234,
      isPairable: true,
      configNumber: 3,
      category: 5,
      protocolVersion: '1.1',
    });
  });

  test('the sender is trusted to be where it sends from', () => {
    expect(toFound({ ...SERVICE, addresses: ['172.17.0.1', '192.0.2.1'] })?.address).toBe('192.0.2.1');
    expect(toFound({ ...SERVICE, addresses: [] })?.address).toBe('192.0.2.1');
  });

  test.each([
    ['no TXT', { txt: undefined }],
    ['an id that is none', { txt: { id: 'me' } }],
    ['no port', { port: 0 }],
  ])('with %s it is none', (_, change) => {
    expect(toFound({ ...SERVICE, ...change })).toBeUndefined();
  });
});

test('on the network: found, changed, moved, gone; our own bridges are left out', async () => {
  const told: FoundAccessory[] = [];
  const waiting: (() => void)[] = [];
  await using discovery = HapDiscovery.start({
    log: silentLogger,
    clock: systemClock,
    isOwn: (id) => id === 'CA:FE:00:00:00:0F',
    onFound: (found) => {
      told.push(found);
      for (const look of waiting) look();
    },
    interfaceAddress: '127.0.0.1',
    askEveryMs: 300,
  });
  const until = async (test: () => boolean): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push(() => test() && resolve());
    if (test()) resolve();
    await promise;
  };
  const bonjour = new Bonjour({ interface: '127.0.0.1', bind: '0.0.0.0' } as object);
  try {
    const publish = (name: string, id: string, port: number, config: string) =>
      bonjour.publish({ name, type: 'hap', port, probe: false, txt: { id, 'c#': config, sf: '0' } });
    publish('Own', 'CA:FE:00:00:00:0F', 1000, '1');
    const lamp = publish('Lamp under test', 'CA:FE:00:00:00:01', 1001, '1');
    await until(() => told.some(({ id }) => id === 'CA:FE:00:00:00:01'));
    expect(discovery.find('ca:fe:00:00:00:01')).toMatchObject({
      port: 1001,
      configNumber: 1,
      isPairable: false,
    });
    (lamp.stop as () => void)();
    publish('Lamp under test', 'CA:FE:00:00:00:01', 1002, '2');
    await until(() => told.some(({ port, configNumber }) => port === 1002 && configNumber === 2));
    expect(discovery.list().filter(({ id }) => id.startsWith('CA:FE:00:00:00'))).toHaveLength(1);
  } finally {
    await new Promise<void>((resolve) => {
      bonjour.destroy(resolve);
    });
  }
});
