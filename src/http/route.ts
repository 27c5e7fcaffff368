import type * as z from 'zod';

import type { Permission, Principal } from '../access/types.ts';
import type { Reply } from './reply.ts';

import { HubError } from '../base/errors.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Who may call: everybody, whoever has a token, or whoever was granted a permission. */
export type Authority = Permission | 'signed_in' | 'public';

/** A request as a handler sees it: authorised, its query and body checked. */
export interface Call<Query = unknown, Body = unknown> {
  readonly requestId: string;
  /** Where it comes from, as an IP address. */
  readonly address: string;
  /** @throws Error on a public route without a token. */
  readonly principal: Principal;
  readonly query: Query;
  readonly body: Body;
  /** A `{name}` of the path, decoded. */
  param(name: string): string;
  header(name: string): string | undefined;
}

/** What a route answers when all is well, for the document. */
export interface Answer {
  readonly status: number;
  /** Null where there is no body, or one that is no JSON. */
  readonly schema: z.ZodType | null;
  /** The type of a body that is no JSON. */
  readonly content?: string;
}

/** What the document says about a route beyond its schemas. */
export interface RouteDocs {
  /** One sentence. */
  readonly summary: string;
  readonly answer: Answer;
  /** A `{name}` of the path: what it is, and one that could be. */
  readonly params?: Readonly<Record<string, { readonly description: string; readonly example: string }>>;
  /** A body that is accepted where the entities and relationships that it names exist. */
  readonly example?: unknown;
  /** The body in more detail than `body`, where something else than this door checks it. */
  readonly documentedBody?: z.ZodType;
}

/** One endpoint. The table of them is all that the surface is; the OpenAPI document is made from it. */
export interface Route {
  readonly method: Method;
  /** With `{name}` where a segment is a parameter. */
  readonly path: string;
  readonly authority: Authority;
  /** It keeps to the rooms of whoever is limited to some; a route that does not is closed to them. */
  readonly scoped: boolean;
  readonly docs: RouteDocs;
  readonly query: z.ZodType | null;
  /** Null where no body is read. */
  readonly body: z.ZodType | null;
  /** True where no body means `{}`. */
  readonly bodyOptional: boolean;
  readonly bodyLimitBytes: number;
  /** What a query or body that its schema refuses is answered with. */
  readonly invalidInputStatus: 400 | 422;
  handle(call: Call): Reply | Promise<Reply>;
}

interface RouteDefinition<Query extends z.ZodType, Body extends z.ZodType> extends RouteDocs {
  readonly method: Method;
  readonly path: string;
  readonly authority: Authority;
  /** Default false. */
  readonly scoped?: boolean;
  readonly query?: Query;
  readonly body?: Body;
  /** Default false. */
  readonly bodyOptional?: boolean;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** Default 400; 422 where clients that exist know it so (Inbetweenies v2). */
  readonly invalidInputStatus?: 400 | 422;
  handle(call: Call<z.output<Query>, z.output<Body>>): Reply | Promise<Reply>;
}

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;

/** Declares an endpoint; the handler's query and body have the types of their schemas. */
export function route<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType>(
  definition: RouteDefinition<Query, Body>,
): Route {
  const { method, path, authority, query, body, bodyOptional, bodyLimitBytes, invalidInputStatus } =
    definition;
  return {
    method,
    path,
    authority,
    scoped: definition.scoped ?? false,
    docs: definition,
    query: query ?? null,
    body: body ?? null,
    bodyOptional: bodyOptional ?? false,
    bodyLimitBytes: bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
    invalidInputStatus: invalidInputStatus ?? 400,
    // The pipeline has run both schemas before it calls this.
    handle: (call) => definition.handle(call as Call<z.output<Query>, z.output<Body>>),
  };
}

/**
 * Checks input against a schema.
 * @throws HubError `invalid` naming the field. The input itself is not repeated: it may be a password.
 */
export function check(schema: z.ZodType, input: unknown): unknown {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = (issue?.path ?? []).map(String).join('.');
  const message = issue?.message ?? 'not valid';
  throw new HubError(
    'invalid',
    field === '' ? message : `${field}: ${message}`,
    field === '' ? {} : { field },
  );
}
