import type { ImportedService } from './mapping.ts';
import type { CharacteristicAnswer, CharacteristicId } from './types.ts';

/** HAP's statuses of a characteristic whose device is not reached, and of one that did not answer in time. */
const SILENT: ReadonlySet<number> = new Set([-70402, -70408]);

/** The accessories behind a bridge that the bridge does not reach, by aid. */
export class Unreached {
  readonly #aids = new Set<string>();

  has(aid: string): boolean {
    return this.#aids.has(aid);
  }

  /**
   * Takes what all readable characteristics answered. One that does not is a fault of its own; an accessory is away when
   * none does. Returns the aids of which that is news.
   */
  polled(services: Iterable<ImportedService>, answers: readonly CharacteristicAnswer[]): string[] {
    const statuses = new Map(answers.map(({ id, status }) => [id, status]));
    const silent = new Map<string, boolean>();
    for (const { aid, characteristics } of services) {
      for (const { id } of characteristics) {
        const status = statuses.get(id);
        if (status === undefined) continue;
        silent.set(aid, (silent.get(aid) ?? true) && SILENT.has(status));
      }
    }
    return [...silent].flatMap(([aid, isSilent]) => (this.#set(aid, isSilent) ? [aid] : []));
  }

  /** It told something by itself. Returns the aids of which that is news. */
  heard(ids: readonly CharacteristicId[]): string[] {
    if (this.#aids.size === 0) return [];
    return ids.map((id) => id.slice(0, id.indexOf('.'))).filter((aid) => this.#set(aid, false));
  }

  #set(aid: string, isSilent: boolean): boolean {
    if (isSilent === this.#aids.has(aid)) return false;
    if (isSilent) this.#aids.add(aid);
    else this.#aids.delete(aid);
    return true;
  }
}
