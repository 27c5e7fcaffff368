import { describe, expect, test } from 'vitest';

import type { MqttLink } from '../../src/mqtt/types.ts';

import { silentLogger } from '../../src/base/log.ts';
import { Router, type Listener } from '../../src/mqtt/router.ts';

/** A link that remembers what it was asked for, and a router on it. */
function open(): {
  router: Router;
  asked: string[];
  say: (topic: string, text: string, retained?: boolean) => void;
} {
  const asked: string[] = [];
  const link = {
    subscribe: (filter: string) => void asked.push(filter),
    unsubscribe: (filter: string) => void asked.push(`-${filter}`),
  } as unknown as MqttLink;
  const router = new Router(() => link, silentLogger);
  return {
    router,
    asked,
    say: (topic, text, retained = false) => router.deliver({ topic, payload: Buffer.from(text), retained }),
  };
}

/** A listener that notes what it hears as `text`, with a `*` where it was kept. */
function listener(): { heard: string[]; listen: Listener } {
  const heard: string[] = [];
  return { heard, listen: ({ text, retained }) => void heard.push(retained ? `${text}*` : text) };
}

describe('a topic that listeners go on joining', () => {
  test('tells each newcomer what it said last, and the others not again', () => {
    const { router, asked, say } = open();
    const [a, b, c, d] = [listener(), listener(), listener(), listener()];
    router.add('bridge/state', 0, a.listen);
    router.flush();
    say('bridge/state', 'online', true);
    // The second asks the broker once more, and from then on it is remembered.
    router.add('bridge/state', 0, b.listen);
    router.flush();
    say('bridge/state', 'online', true);
    router.add('bridge/state', 0, c.listen);
    router.flush();
    expect(asked).toEqual(['bridge/state', 'bridge/state']);
    expect([a.heard, b.heard, c.heard]).toEqual([['online*', 'online*'], ['online*'], ['online*']]);
    say('bridge/state', 'offline');
    router.add('bridge/state', 0, d.listen);
    router.flush();
    expect([c.heard, d.heard]).toEqual([['online*', 'offline'], ['offline*']]);
    expect(asked).toHaveLength(2);
  });

  test('has the broker asked once for all that join before it answers', () => {
    const { router, asked, say } = open();
    const [a, b, c, d] = [listener(), listener(), listener(), listener()];
    for (const { listen } of [a, b, c]) {
      router.add('bridge/state', 0, listen);
      router.flush();
    }
    expect(asked).toEqual(['bridge/state', 'bridge/state']);
    say('bridge/state', 'online', true);
    router.add('bridge/state', 0, d.listen);
    router.flush();
    expect(asked).toHaveLength(2);
    expect([a.heard, b.heard, c.heard, d.heard]).toEqual([
      ['online*'],
      ['online*'],
      ['online*'],
      ['online*'],
    ]);
  });

  test('who joins and hears a live message in the same turn is not told an older one', () => {
    const { router, say } = open();
    const [a, b, c] = [listener(), listener(), listener()];
    for (const { listen } of [a, b]) {
      router.add('t', 0, listen);
      router.flush();
      say('t', '1', true);
    }
    router.add('t', 0, c.listen);
    say('t', '2');
    router.flush();
    expect(c.heard).toEqual(['2']);
  });

  test('a broker that forgot is asked again, and what it said before does not count', () => {
    const { router, asked, say } = open();
    const [a, b, c] = [listener(), listener(), listener()];
    for (const { listen } of [a, b]) {
      router.add('t', 0, listen);
      router.flush();
      say('t', 'online', true);
    }
    router.resubscribe();
    asked.length = 0;
    router.add('t', 0, c.listen);
    router.flush();
    expect(asked).toEqual(['t']);
    expect(c.heard).toEqual([]);
  });

  test('one who wants more certainty has the broker asked; the last one to leave ends it', () => {
    const { router, asked, say } = open();
    const [a, b, c] = [listener(), listener(), listener()];
    for (const { listen } of [a, b]) {
      router.add('t', 0, listen);
      router.flush();
      say('t', 'x', true);
    }
    router.add('t', 1, c.listen);
    router.flush();
    expect(asked).toEqual(['t', 't', 't']);
    for (const { listen } of [a, b, c]) router.remove('t', listen);
    expect(asked.at(-1)).toBe('-t');
  });
});
