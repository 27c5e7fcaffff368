import { describe, expect, test } from 'vitest';

import type { CommandSink, SinkWrite } from '../../src/devices/types.ts';

import { HubError } from '../../src/base/errors.ts';
import { CommandBatches } from '../../src/devices/command-batches.ts';

/** A sink that remembers each sending as `origin: kind=value …`. */
function recorder(refuse?: string): { sink: CommandSink; sent: string[] } {
  const sent: string[] = [];
  return {
    sent,
    sink: {
      send: async (componentId, writes, origin) => {
        const text = writes.map(({ kind, value }) => `${kind}=${JSON.stringify(value)}`).join(' ');
        sent.push(`${componentId} ${origin}: ${text}`);
        await Promise.resolve();
        if (refuse !== undefined) throw new HubError('unavailable', refuse);
      },
    },
  };
}

const colour = (hue: number): SinkWrite => ({ kind: 'color_hs', value: { hue, saturation: 50 } });

describe('what is written to one component in a moment', () => {
  test('two colours become one message, the later one', async () => {
    using batches = new CommandBatches();
    const { sink, sent } = recorder();
    await Promise.all([
      batches.send(sink, 'lamp', [colour(10)], 'homekit'),
      batches.send(sink, 'lamp', [{ kind: 'brightness', value: 40 }], 'http'),
      batches.send(sink, 'lamp', [colour(20)], 'ws'),
      batches.send(sink, 'other', [colour(30)], 'homekit'),
    ]);
    expect(sent).toEqual([
      'lamp ws: brightness=40 color_hs={"hue":20,"saturation":50}',
      'other homekit: color_hs={"hue":30,"saturation":50}',
    ]);
  });

  test('a switch goes out on the same turn, and takes along what waits', async () => {
    using batches = new CommandBatches();
    const { sink, sent } = recorder();
    const dragged = batches.send(sink, 'lamp', [colour(10)], 'homekit');
    const switched = batches.send(sink, 'lamp', [{ kind: 'on_off', value: false }], 'homekit');
    expect(sent).toEqual(['lamp homekit: color_hs={"hue":10,"saturation":50} on_off=false']);
    await Promise.all([dragged, switched]);
    expect(sent).toHaveLength(1);
  });

  test('a refusal reaches everybody who took part', async () => {
    using batches = new CommandBatches();
    const { sink } = recorder('the broker is gone');
    const both = [colour(1), colour(2)].map(
      async (write) => await batches.send(sink, 'lamp', [write], 'http'),
    );
    for (const each of await Promise.allSettled(both)) {
      expect(each).toMatchObject({ status: 'rejected', reason: { kind: 'unavailable' } });
    }
    await expect(batches.send(sink, 'lamp', [colour(3)], 'http')).rejects.toThrow('the broker is gone');
  });

  test('what waits when the hub stops is refused, not forgotten', async () => {
    const batches = new CommandBatches();
    const { sink, sent } = recorder();
    const waiting = batches.send(sink, 'lamp', [colour(1)], 'http');
    batches[Symbol.dispose]();
    await expect(waiting).rejects.toMatchObject({ kind: 'unavailable' });
    expect(sent).toEqual([]);
  });
});
