import type { Author, Content } from '../../src/graph/types.ts';

import { Tools } from '../../src/tools/tools.ts';
import { openTestHome, temporaryFolder, type TestHome } from '../support/store.ts';

export const ANNA: Author = { userId: 'anna', deviceId: 'mcp' };

/** A home with the tools on it. */
export interface ToolHome extends AsyncDisposable {
  readonly home: TestHome;
  readonly tools: Tools;
  /** Runs a tool and gives back what it answers. */
  call(name: string, args?: object): Promise<Record<string, unknown>>;
  /** The message with which a tool refuses. */
  refusal(name: string, args: unknown): Promise<string>;
  /** Makes an entity with its id, without a tool. */
  make(entityType: string, id: string, content?: Content): void;
  join(fromEntityId: string, relationshipType: string, toEntityId: string, properties?: Content): void;
}

export async function openToolHome(): Promise<ToolHome> {
  const folder = temporaryFolder();
  const home = await openTestHome(folder.path);
  const tools = new Tools(home);
  return {
    home,
    tools,
    call: async (name, args = {}) =>
      JSON.parse(await tools.call(name, args, ANNA)) as Record<string, unknown>,
    refusal: async (name, args) => {
      const outcome = await tools.call(name, args, ANNA).catch((error: unknown) => error);
      return outcome instanceof Error ? outcome.message : 'no refusal';
    },
    make: (entityType, id, content = {}) => {
      home.graph.transaction((writer) =>
        writer.createEntity({
          id,
          entityType,
          content: { name: id, ...content },
          author: ANNA,
          sourceType: 'manual',
        }),
      );
    },
    join: (fromEntityId, relationshipType, toEntityId, properties = {}) => {
      home.graph.transaction((writer) =>
        writer.putRelationship({ fromEntityId, toEntityId, relationshipType, properties, author: ANNA }),
      );
    },
    async [Symbol.asyncDispose]() {
      await home[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    },
  };
}
