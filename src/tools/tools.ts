import type { Clock } from '../base/clock.ts';
import type { Graph } from '../graph/graph.ts';
import type { Author } from '../graph/types.ts';
import type { Tool, ToolDescription } from './types.ts';

import { HubError } from '../base/errors.ts';
import { ENTITY_TOOLS } from './entities.ts';
import { HomeEdits } from './home-edits.ts';
import { HomeReads } from './home-reads.ts';
import { toJsonText } from './json-text.ts';
import { LATER_TOOLS } from './later.ts';
import { PLACE_TOOLS } from './places.ts';
import { checkArguments, describeTool } from './tool.ts';

export { pathJson, snippets } from './entities.ts';
export type { HomeEdits } from './home-edits.ts';
export { HomeReads } from './home-reads.ts';
export { JsonText, toJsonText, type JsonParts } from './json-text.ts';
export { statisticsJson } from './later.ts';
export {
  CHANGES_HINT,
  entityTypeWord,
  numberArgument,
  relationshipTypeWord,
  saysChanges,
  sourceTypeWord,
} from './vocabulary.ts';

const TOOLS: readonly Tool[] = [...PLACE_TOOLS, ...ENTITY_TOOLS, ...LATER_TOOLS];

/** Questions and changes that programs (language models above all) put to the home by name: the tools of v2. */
export class Tools {
  readonly reads: HomeReads;
  readonly edits: HomeEdits;

  constructor({ graph, clock }: { graph: Graph; clock: Clock }) {
    this.reads = new HomeReads(graph);
    this.edits = new HomeEdits(graph, clock);
  }

  /** All tools, as they are advertised. */
  list(): ToolDescription[] {
    return TOOLS.map(describeTool);
  }

  describe(name: string): ToolDescription | undefined {
    const found = find(name);
    return found && describeTool(found);
  }

  /** Whether a tool changes the home; false for one that does not exist. */
  mutates(name: string): boolean {
    return find(name)?.mutates ?? false;
  }

  /**
   * Runs a tool. The caller has asked whether the author may. What it changed is durable when this resolves.
   * @returns the result as a JSON text.
   * @throws HubError `not_found` for no such tool or no such thing, `invalid` for arguments, and what the graph throws.
   */
  async call(name: string, args: unknown, author: Author): Promise<string> {
    const found = find(name);
    if (!found) throw new HubError('not_found', `Unknown tool: ${name.slice(0, 64)}`);
    const checked = checkArguments(found, args);
    return toJsonText(await found.run({ reads: this.reads, edits: this.edits, author }, checked));
  }
}

function find(name: string): Tool | undefined {
  return TOOLS.find((known) => known.name === name);
}
