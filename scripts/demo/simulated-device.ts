/** How a simulated device reaches the broker. */
export interface Wire {
  publish(topic: string, payload: string, retain?: boolean): void;
}

/** One discovery message, retained as real firmware does it. */
export interface Discovery {
  readonly topic: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/**
 * A device that exists in this program only, but speaks to the broker as its real make does: it announces itself,
 * obeys commands, and something happens to it now and then.
 */
export interface SimulatedDevice {
  readonly name: string;
  readonly discovery: readonly Discovery[];
  /** What it publishes once it is on: availability and its first state. */
  online(wire: Wire): void;
  /** What it does about a command; keys are full topics. */
  readonly commands: Readonly<Record<string, (payload: string, wire: Wire) => void>>;
  /** What happens by itself, every so many seconds. */
  readonly life?: { readonly everyS: number; readonly step: (wire: Wire) => void };
}

/** A value that wanders between two bounds, as temperatures do. */
export function wandering(start: number, min: number, max: number, step: number): () => number {
  let value = start;
  return () => {
    value = Math.min(max, Math.max(min, value + (Math.random() - 0.5) * 2 * step));
    return Math.round(value * 10) / 10;
  };
}
