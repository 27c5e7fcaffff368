/** What an appliance really draws, in W, for each second. */
export type Truth = Float32Array;

export interface Sample {
  /** Seconds after the begin. */
  readonly second: number;
  readonly value: number;
}

/** A small generator with a seed, so that a failing run can be run again. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A fridge, a kettle, a television, a heater that cycles, and what never sleeps: five appliances at one socket. */
export function simulateHome(days: number, seed = 1): Truth {
  const random = randomOf(seed);
  const seconds = days * 86_400;
  const truth = new Float32Array(seconds).fill(7.3);
  const add = (from: number, length: number, watts: number): void => {
    for (let second = Math.max(0, from); second < Math.min(seconds, from + length); second++) {
      truth[second] = (truth[second] ?? 0) + watts;
    }
  };
  for (let at = 0; at < seconds;) {
    const [on, off] = [900 + Math.floor(random() * 300), 1800 + Math.floor(random() * 900)];
    add(at, 4, 450);
    add(at + 4, on, 92 + random() * 6);
    at += on + off;
  }
  for (let day = 0; day < days; day++) {
    const hour = (clock: number, spread: number): number =>
      day * 86_400 + Math.floor((clock + (random() - 0.5) * spread) * 3600);
    for (const clock of [6.5, 10, 15.5, 20]) add(hour(clock, 1), 150 + Math.floor(random() * 60), 2050);
    add(hour(19, 2), 9000 + Math.floor(random() * 3000), 118);
    for (let at = hour(17, 1); at < day * 86_400 + 22 * 3600; at += 420 + Math.floor(random() * 120)) {
      add(at, 140 + Math.floor(random() * 80), 1480);
    }
  }
  return truth;
}

export function truthKwh(truth: Truth, fromSecond = 0, toSecond = truth.length): number {
  let joules = 0;
  for (let second = fromSecond; second < toSecond; second++) joules += truth[second] ?? 0;
  return joules / 3_600_000;
}

/** What a plug says that reports at a fixed rate. */
export function* sampled(truth: Truth, everySeconds: number, offset = 3): Generator<Sample> {
  for (let second = offset; second < truth.length; second += everySeconds) {
    yield { second, value: decimal(truth[second] ?? 0) };
  }
}

/** What a plug says that reports changes of 5 W or 5 %, not more often than `minSeconds`, and else a sign of life. */
export function* onChange(truth: Truth, minSeconds: number, heartbeatSeconds: number): Generator<Sample> {
  let [last, lastAt] = [Number.NaN, -Infinity];
  for (let second = 0; second < truth.length; second++) {
    const now = truth[second] ?? 0;
    const isNews = !(Math.abs(now - last) < Math.max(5, 0.05 * Math.abs(last)));
    if (second - lastAt < minSeconds || (!isNews && second - lastAt < heartbeatSeconds)) continue;
    yield { second, value: decimal(now) };
    [last, lastAt] = [now, second];
  }
}

/** What a plug says that counts, in kWh with so many decimals, whenever its last digit moves. */
export function* counting(
  truth: Truth,
  decimals: number,
  begin = 0,
  heartbeatSeconds = 600,
): Generator<Sample> {
  const step = 10 ** -decimals;
  let [joules, lastAt, last] = [begin * 3_600_000, -Infinity, Number.NaN];
  for (let second = 0; second < truth.length; second++) {
    const value = Math.floor(joules / 3_600_000 / step) * step;
    if (value !== last || second - lastAt >= heartbeatSeconds) {
      yield { second, value: Number(value.toFixed(decimals)) };
      [last, lastAt] = [value, second];
    }
    joules += truth[second] ?? 0;
  }
}

function decimal(value: number): number {
  return Math.round(value * 10) / 10;
}
