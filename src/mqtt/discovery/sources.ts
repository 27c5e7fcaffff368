/** Who tells of devices: the discovery of Home Assistant, or a protocol of the devices' own. */
export type SourceName = 'discovery' | 'tasmota' | 'shelly' | 'zigbee2mqtt' | 'esphome';

/**
 * Which source knows a device better, where several tell of it. Tasmota's own description carries the type of every
 * output, which its discovery for Home Assistant guesses at. The others were written, or configured by a person, for
 * discovery: then that is what they want to be seen as.
 */
const RANK: Readonly<Record<SourceName, number>> = {
  tasmota: 3,
  discovery: 2,
  zigbee2mqtt: 1,
  shelly: 1,
  esphome: 0,
};

/** What one announcement has told of a device. */
interface Claim {
  readonly source: SourceName;
  /** The topic or key of the announcement. */
  readonly key: string;
  readonly identifiers: readonly string[];
}

/** Remembers who tells of which device, so that only the best source of each counts. */
export class Sources {
  readonly #claims = new Map<string, Claim>();
  readonly #keysByIdentifier = new Map<string, Set<string>>();

  /** An announcement tells of the device with these identifiers. */
  claim(key: string, source: SourceName, identifiers: readonly string[]): void {
    this.release(key);
    this.#claims.set(key, { source, key, identifiers });
    for (const identifier of identifiers) {
      const keys = this.#keysByIdentifier.get(identifier);
      if (keys) keys.add(key);
      else this.#keysByIdentifier.set(identifier, new Set([key]));
    }
  }

  has(key: string): boolean {
    return this.#claims.has(key);
  }

  release(key: string): void {
    const claim = this.#claims.get(key);
    if (!claim) return;
    this.#claims.delete(key);
    for (const identifier of claim.identifiers) {
      const keys = this.#keysByIdentifier.get(identifier);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByIdentifier.delete(identifier);
    }
  }

  /** Whether a better source tells of a device with one of these identifiers. */
  isOutranked(source: SourceName, identifiers: readonly string[]): boolean {
    return this.#others(identifiers).some((claim) => isBetter(claim.source, source));
  }

  /** The announcements about the same device that give way to this source. */
  outranked(source: SourceName, identifiers: readonly string[]): string[] {
    return this.#others(identifiers)
      .filter((claim) => isBetter(source, claim.source))
      .map(({ key }) => key);
  }

  #others(identifiers: readonly string[]): Claim[] {
    const keys = new Set(
      identifiers.flatMap((identifier) => [...(this.#keysByIdentifier.get(identifier) ?? [])]),
    );
    return [...keys].flatMap((key) => this.#claims.get(key) ?? []);
  }
}

export function isSource(name: string): name is SourceName {
  return Object.hasOwn(RANK, name);
}

/** Whether one source knows a device better than another; of a name that is no source: no. */
export function isBetter(one: string, than: SourceName): boolean {
  return isSource(one) && RANK[one] > RANK[than];
}
