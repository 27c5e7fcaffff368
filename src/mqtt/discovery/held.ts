import type { ComponentDescription } from '../../devices/types.ts';
import type { LiveComponent } from '../component.ts';
import type { ComponentSpec } from './description.ts';
import type { SourceName } from './sources.ts';

/** What a discovery topic, or a device by a protocol of its own, last said. */
export interface Announcement {
  /** Empty where it has to be looked at again, even when it says the same. */
  digest: string;
  readonly source: SourceName;
  /** When it was first heard in this run, ms since the Unix epoch. */
  readonly sinceMs: number;
  /** The components that it has described, also those that it let go for another topic. */
  readonly ids: Set<string>;
}

/** A component that is ready to be stored and to begin its work. */
export interface Part {
  readonly spec: ComponentSpec;
  readonly component: LiveComponent;
  readonly description: ComponentDescription;
}

/** One message of them. */
export interface HeldMessage {
  readonly topic: string;
  readonly announcement: Announcement;
  readonly digest: string;
  readonly origin: string | null;
  readonly parts: readonly Part[];
}

/** What was understood and waits for the others of its turn, so that all of them are stored in one transaction. */
export class HeldMessages {
  #messages: HeldMessage[] = [];
  readonly #names = new Set<string>();
  #parts = 0;

  /** How many components wait. */
  get parts(): number {
    return this.#parts;
  }

  /** Whether a topic or a component waits. */
  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(message: HeldMessage): void {
    this.#messages.push(message);
    this.#names.add(message.topic);
    for (const { spec } of message.parts) this.#names.add(spec.id);
    this.#parts += message.parts.length;
  }

  /** All that waits, in the order of arrival; nothing does then. */
  take(): HeldMessage[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#names.clear();
    this.#parts = 0;
    return messages;
  }
}

/** Of a device's keys that now have another platform the old identities: a new one takes the place of each. */
export function replacedIds(ids: Iterable<string>, components: readonly ComponentSpec[]): string[] {
  const typeByRest = new Map(components.map(({ id, type }) => [id.slice(type.length), type]));
  return [...ids].filter((id) => {
    const slash = id.indexOf('/');
    const type = typeByRest.get(id.slice(slash));
    return type !== undefined && type !== id.slice(0, slash);
  });
}
