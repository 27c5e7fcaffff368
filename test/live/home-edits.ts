import { HUB_AUTHOR } from '../../src/graph/types.ts';
import type { Client, LiveHome, Message } from './live-home.ts';

/** What a test does to the graph behind the live part. */
export class HomeEdits {
  readonly #hub: () => LiveHome;

  /** @param hub the one that runs now: a test may start another */
  constructor(hub: () => LiveHome) {
    this.#hub = hub;
  }

  create(id: string, entityType = 'device', name = id): void {
    this.#hub().home.graph.transaction((writer) =>
      writer.createEntity({ id, entityType, content: { name }, author: HUB_AUTHOR, sourceType: 'manual' }),
    );
  }

  /** Creates notes in one transaction; each id takes one seq. */
  createNotes(ids: readonly string[], text = ''): void {
    this.#hub().home.graph.transaction((writer) => {
      for (const id of ids) {
        writer.createEntity({
          id,
          entityType: 'note',
          content: { text },
          author: HUB_AUTHOR,
          sourceType: 'manual',
        });
      }
    });
  }

  rename(id: string, name: string): void {
    this.#hub().home.graph.transaction((writer) => writer.replaceContent(id, { name }, HUB_AUTHOR));
  }

  locate(from: string, to: string): string {
    return this.#hub().home.graph.transaction(
      (writer) =>
        writer.putRelationship({
          fromEntityId: from,
          toEntityId: to,
          relationshipType: 'located_in',
          properties: {},
          author: HUB_AUTHOR,
        }).id,
    );
  }

  delete(id: string): void {
    this.#hub().home.graph.transaction((writer) => writer.deleteEntity(id, HUB_AUTHOR));
  }

  /** Waits until the hub has looked at everything that is in the graph, and the client has heard it. */
  async settle(client: Client): Promise<void> {
    await this.#hub().home.graph.settled();
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    await client.settle();
  }
}

/** The seq in a message's cursor. */
export function seqOf(message: Message): number {
  return Number(String(message['cursor']).split('-').at(-1));
}

export function idsOf(messages: readonly Message[]): unknown[] {
  return messages.map(({ entity_id: id }) => id);
}
