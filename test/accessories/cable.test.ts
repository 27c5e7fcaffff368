import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import type { Ask, Told } from './hub-child.ts';
import type { Entry, State } from './import-home.ts';

import { canMakeNetworks, TestCable } from '../support/networks.ts';
import { temporaryFolder } from '../support/store.ts';
import { CODE, firstMessage, startChild, TestAccessory, type Place } from './accessory.ts';

const TIMING = {
  minPauseMs: 50,
  maxPauseMs: 200,
  offlineAfterMs: 200,
  pollMs: 300,
  answerMs: 800,
  lookEveryMs: 300,
};
/** A poll, the wait for its answer, and the wait for a new connection; the rest is for a busy machine. */
const NOTICED_WITHIN_MS = TIMING.pollMs + TIMING.answerMs + TIMING.offlineAfterMs + 3000;
const BACK_WITHIN_MS = 9000;
/** Seldom enough that the questions of the test are no load of their own. */
const ASK_EVERY_MS = 50;

describe.skipIf(!canMakeNetworks)(
  'a hub and a bridge on a cable of their own (needs root and iproute2)',
  () => {
    const folder = temporaryFolder();
    let cable: TestCable;
    let place: Place;
    let hub: HubBehindCable;
    let bridge: TestAccessory;
    let entities: Map<string, string>;

    beforeAll(async () => {
      cable = TestCable.lay('hap', '10.77.0.1', '10.77.0.2');
      place = { network: cable.right, address: '10.77.0.2' };
      [hub, bridge] = await Promise.all([
        HubBehindCable.start(folder.path, cable.left),
        TestAccessory.start('bridge', 'CA:FE:00:00:00:CA', place),
      ]);
      await vi.waitFor(async () => await hub.entry(bridge.id), { timeout: 15_000, interval: 50 });
      const paired = await hub.call<Entry>('POST', `/api/homekit/accessories/${bridge.id}/pair`, {
        code: CODE,
      });
      expect(paired).toMatchObject({ paired_with_us: true });
      const { items } = await hub.call<{ items: { name: string; entity_id: string }[] }>(
        'GET',
        '/api/devices',
      );
      entities = new Map(items.map(({ name, entity_id: id }) => [name, id]));
      await until('A light', { available: true, values: { brightness: { value: 40 } } });
      hub.countConnections(bridge.found.port);
    }, 60_000);
    afterAll(async () => {
      await Promise.all([hub?.[Symbol.asyncDispose](), bridge?.[Symbol.asyncDispose]()]);
      cable?.[Symbol.dispose]();
      folder[Symbol.dispose]();
    });

    async function stateOf(name: string): Promise<State> {
      return await hub.call<State>('GET', `/api/entities/${entities.get(name)}/state`);
    }

    async function until(name: string, wanted: object, withinMs = BACK_WITHIN_MS): Promise<void> {
      await vi.waitFor(async () => expect(await stateOf(name)).toMatchObject(wanted), {
        timeout: withinMs,
        interval: ASK_EVERY_MS,
      });
    }

    /** A press is told by an event and by nothing else: no poll makes one up. */
    async function expectSubscribed(press: 0 | 1 | 2): Promise<void> {
      await bridge.order({ do: 'press', value: press });
      const value = ['single', 'double', 'long'][press];
      await until('A button', { values: { button_event: { value } } }, 3000);
    }

    test('a cable that is pulled is noticed, and what changed meanwhile is there when it is in again', async () => {
      cable.plug(cable.right, false);
      await until('A light', { available: false }, NOTICED_WITHIN_MS);
      for (const name of ['A thermostat', 'A lock', 'A sensor', 'A button']) {
        expect(await stateOf(name)).toMatchObject({ available: false });
      }
      const refused = await hub.ask('POST', `/api/entities/${entities.get('A lock')}/commands`, {
        capability: 'locked',
        value: 'unlock',
      });
      expect(refused).toMatchObject({
        status: 503,
        body: { detail: expect.stringMatching(/^A lock cannot be reached at the moment/) as string },
      });
      await bridge.order({ do: 'set', service: 'light', characteristic: 'Brightness', value: 12 });
      await bridge.order({
        do: 'set',
        service: 'thermostat',
        characteristic: 'Target Temperature',
        value: 18,
      });

      cable.plug(cable.right, true);
      await until('A light', { available: true, values: { brightness: { value: 12 } } });
      await until('A thermostat', { available: true, values: { target_temperature: { value: 18 } } });
      await until('A lock', { available: true, values: { locked: { value: 'locked' } } });
      await expectSubscribed(1);
      expect(hub.mostConnections).toBe(1);
    }, 45_000);

    test('a pull of a moment disturbs nobody', async () => {
      const before = await hub.entry(bridge.id);
      cable.plug(cable.right, false);
      cable.plug(cable.right, true);
      await expectSubscribed(2);
      expect(await stateOf('A light')).toMatchObject({ available: true });
      expect(await hub.entry(bridge.id)).toEqual(before);
    });

    test('with another address after a power cut it is found, and still the same', async () => {
      cable.plug(cable.right, false);
      await bridge.kill();
      place.address = '10.77.0.33';
      cable.address(cable.right, place.address);
      await bridge.start();
      await until('A light', { available: true, values: { brightness: { value: 40 } } }, 25_000);
      await vi.waitFor(async () =>
        expect(await hub.entry(bridge.id)).toMatchObject({
          state: 'connected',
          address: `10.77.0.33:${bridge.found.port}`,
          entity_ids: expect.arrayContaining([...entities.values()]) as unknown,
        }),
      );
      await expectSubscribed(0);
      expect(hub.mostConnections).toBe(1);
    }, 45_000);

    test('when the hub itself gets another address it is connected again, once', async () => {
      cable.address(cable.left, '10.77.0.9');
      await bridge.order({ do: 'set', service: 'light', characteristic: 'Brightness', value: 55 });
      await until('A light', { available: true, values: { brightness: { value: 55 } } });
      await expectSubscribed(1);
      expect(hub.mostConnections).toBe(1);
    }, 45_000);
  },
);

/** A hub in a network namespace. */
class HubBehindCable implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (told: Told) => void>();
  #asked = 0;
  #counting: NodeJS.Timeout | undefined;
  /** How many connections, or attempts at one, there were at the same moment at most. */
  mostConnections = 0;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(folder: string, network: string): Promise<HubBehindCable> {
    const child = startChild('hub-child.ts', [folder, JSON.stringify(TIMING)], network);
    const hub = new HubBehindCable(child);
    await firstMessage(child);
    child.on('message', (told: Told) => hub.#waiting.get(told.number)?.(told));
    return hub;
  }

  async ask(method: string, path: string, body?: unknown): Promise<Told> {
    const { promise, resolve } = Promise.withResolvers<Told>();
    const number = (this.#asked += 1);
    this.#waiting.set(number, resolve);
    this.#child.send({ number, method, path, body } satisfies Ask);
    return await promise;
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const { status, body: answer } = await this.ask(method, path, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer as T;
  }

  async entry(id: string): Promise<Entry> {
    const { items } = await this.call<{ items: Entry[] }>('GET', '/api/homekit/accessories');
    const found = items.find((one) => one.id === id);
    if (!found) throw new Error(`${id} is not in the list`);
    return found;
  }

  /** Looks again and again at the sockets of the hub's network that lead to the port. */
  countConnections(port: number): void {
    const wanted = port.toString(16).toUpperCase().padStart(4, '0');
    // Established, or on the way there; what is being closed counts no more.
    const line = new RegExp(String.raw`^ *\d+: \S+ \S+:${wanted} 0[12] `, 'gm');
    this.#counting = setInterval(() => {
      const table = readFileSync(`/proc/${this.#child.pid}/net/tcp`, 'latin1');
      this.mostConnections = Math.max(this.mostConnections, table.match(line)?.length ?? 0);
    }, 5);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#counting);
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
