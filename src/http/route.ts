import type * as z from 'zod';

import type { Permission, Principal } from '../access/types.ts';
import type { Reply } from './reply.ts';

import { HubError } from '../base/errors.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

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

/** One endpoint. The table of them is all that the surface is; the OpenAPI document is made from it. */
export interface Route {
  readonly method: Method;
  /** With `{name}` where a segment is a parameter. */
  readonly path: string;
  readonly authority: Authority;
  readonly summary: string;
  readonly query: z.ZodType | null;
  /** Null where no body is read. */
  readonly body: z.ZodType | null;
  readonly bodyLimitBytes: number;
  handle(call: Call): Reply | Promise<Reply>;
}

interface RouteDefinition<Query extends z.ZodType, Body extends z.ZodType> {
  readonly method: Method;
  readonly path: string;
  readonly authority: Authority;
  readonly summary: string;
  readonly query?: Query;
  readonly body?: Body;
  /** Default 1 MiB. */
  readonly bodyLimitBytes?: number;
  handle(call: Call<z.output<Query>, z.output<Body>>): Reply | Promise<Reply>;
}

const DEFAULT_BODY_LIMIT_BYTES = 1024 * 1024;

/** Declares an endpoint; the handler's query and body have the types of their schemas. */
export function route<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType>(
  definition: RouteDefinition<Query, Body>,
): Route {
  return {
    method: definition.method,
    path: definition.path,
    authority: definition.authority,
    summary: definition.summary,
    query: definition.query ?? null,
    body: definition.body ?? null,
    bodyLimitBytes: definition.bodyLimitBytes ?? DEFAULT_BODY_LIMIT_BYTES,
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
