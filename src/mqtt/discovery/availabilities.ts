import type { Templates } from '../components/templates.ts';
import type { Complaints } from './complaints.ts';
import type { ComponentSpec } from './description.ts';

import { ConfigProblem } from '../components/fields.ts';
import { Availability } from './availability.ts';

/** Which availability each component was described with, so that an update need not learn it anew. */
export class Availabilities {
  readonly #templates: Templates;
  readonly #complaints: Complaints;
  /** By component, as text. */
  readonly #texts = new Map<string, string>();

  constructor(templates: Templates, complaints: Complaints) {
    this.#templates = templates;
    this.#complaints = complaints;
  }

  /** @param before the component's present one: with the same topics and texts, what they told still holds */
  of({ id, config }: ComponentSpec, before: Availability | undefined): Availability {
    const text = JSON.stringify(
      Object.keys(config)
        .filter((key) => key.startsWith('availability') || key.startsWith('payload_'))
        .sort()
        .map((key) => [key, config[key]]),
    );
    const known = this.#texts.get(id);
    this.#texts.set(id, text);
    if (before && known === text) return before;
    try {
      return Availability.read(config, this.#templates);
    } catch (error) {
      if (!(error instanceof ConfigProblem)) throw error;
      this.#complaints.note(`${id} availability`, error.message);
      return Availability.read({}, this.#templates);
    }
  }

  forget(id: string): void {
    this.#texts.delete(id);
  }
}
