import type {
  CharacteristicAnswer,
  CharacteristicId,
  HapAccessory,
  HapCharacteristic,
  HapValue,
  ToldValue,
} from './types.ts';

import { structureOf } from './database.ts';
import { characteristicName } from './hap-types.ts';

/** What is known of an accessory's services and values; survives a drop of the connection. */
export class KnownAccessories {
  #accessories: readonly HapAccessory[] = [];
  #structure: string | undefined;
  #byId = new Map<CharacteristicId, HapCharacteristic>();
  readonly #values = new Map<CharacteristicId, HapValue>();
  readonly #wanted = new Set<CharacteristicId>();

  get accessories(): readonly HapAccessory[] {
    return this.#accessories;
  }

  /** True when the structure is another one than before. */
  replace(accessories: readonly HapAccessory[]): boolean {
    this.#accessories = accessories;
    const all = accessories.flatMap(({ services }) => services.flatMap((one) => one.characteristics));
    this.#byId = new Map(all.map((one) => [one.id, one]));
    for (const id of this.#values.keys()) if (!this.#byId.has(id)) this.#values.delete(id);
    const structure = structureOf(accessories);
    const isNew = structure !== this.#structure;
    this.#structure = structure;
    return isNew;
  }

  can(id: CharacteristicId, perm: 'pr' | 'pw' | 'ev' | 'tw'): boolean {
    return this.#byId.get(id)?.perms.includes(perm) ?? false;
  }

  /** To be told, also where the accessory does not say that it tells. */
  want(ids: readonly CharacteristicId[]): void {
    for (const id of ids) this.#wanted.add(id);
  }

  subscribable(): CharacteristicId[] {
    return [...this.#byId.keys()].filter((id) => this.can(id, 'ev') || this.#wanted.has(id));
  }

  isReadable(id: CharacteristicId): boolean {
    const one = this.#byId.get(id);
    // What a button did last is no value: read, it would look like a press.
    return one !== undefined && one.perms.includes('pr') && !isMoment(one);
  }

  readable(): CharacteristicId[] {
    return [...this.#byId.keys()].filter((id) => this.isReadable(id));
  }

  /** What is new in the answers. An event is always told, however often it is the same. */
  take(answers: readonly CharacteristicAnswer[], isEvent: boolean): ToldValue[] {
    const told: ToldValue[] = [];
    for (const { id, status, value } of answers) {
      const one = this.#byId.get(id);
      if (status !== 0 || value === undefined || !one) continue;
      if (isMoment(one) && !isEvent) continue;
      if (!isEvent && this.#values.get(id) === value) continue;
      this.#values.set(id, value);
      told.push({ id, value, isEvent });
    }
    return told;
  }
}

function isMoment({ type }: HapCharacteristic): boolean {
  return characteristicName(type) === 'ProgrammableSwitchEvent';
}
