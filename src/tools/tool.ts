import * as z from 'zod';

import type { JsonParts } from './json-text.ts';
import type { Tool, ToolContext, ToolDescription } from './types.ts';

import { HubError } from '../base/errors.ts';
import { isJsonObject, type JsonObject } from '../base/json.ts';

interface ToolDefinition<Args extends z.ZodRawShape> {
  readonly name: string;
  readonly description: string;
  /** Default false. */
  readonly mutates?: boolean;
  readonly args: Args;
  run(context: ToolContext, args: z.output<z.ZodObject<Args>>): JsonParts | Promise<JsonParts>;
}

/** Clients give it to any tool. Who is the author is known from the token, so it says nothing. */
const userId = z.string().optional().describe('Accepted and not used: the author is whoever is logged in');

/** Declares a tool; `run` gets its arguments with the types of their schemas. */
export function tool<Args extends z.ZodRawShape>(definition: ToolDefinition<Args>): Tool {
  const { name, description, mutates = false } = definition;
  return {
    name,
    description,
    mutates,
    args: z.object({ ...definition.args, user_id: userId }),
    // `checkArguments` has run the schema before this is called.
    run: (context, args) => definition.run(context, args as z.output<z.ZodObject<Args>>),
  };
}

/** Checks what a caller gave; null is what some of them send for nothing. @throws HubError `invalid` naming the argument. */
export function checkArguments({ name, args }: Tool, given: unknown): unknown {
  const at = isJsonObject(given) ? (given['at'] ?? null) : null;
  if (at !== null && !('at' in args.shape)) {
    // To answer about the present instead would be taken for the truth about the past.
    throw new HubError('invalid', `${name} tells about the present only; leave \`at\` out`, { field: 'at' });
  }
  const result = args.safeParse(isJsonObject(given) ? withoutNulls(given) : given, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = (issue?.path ?? []).map(String).join('.');
  const missing = issue?.code === 'invalid_type' && issue.input === undefined;
  const message = missing && field !== '' ? `${name} needs ${field}` : (issue?.message ?? 'not valid');
  throw new HubError('invalid', missing || field === '' ? message : `${field}: ${message}`, { field });
}

function withoutNulls(given: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

export function describeTool({ name, description, args }: Tool): ToolDescription {
  const { $schema: _, ...parameters } = z.toJSONSchema(args, { io: 'input', unrepresentable: 'any' });
  return { name, description, parameters };
}
