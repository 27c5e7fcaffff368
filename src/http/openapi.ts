import * as z from 'zod';

import type { JsonObject } from '../base/json.ts';
import type { Route } from './route.ts';

import { isJsonObject } from '../base/json.ts';
import { problemSchema } from './schemas.ts';

/**
 * The OpenAPI 3.1 document of a route table, made from the schemas that check the requests.
 * @param version the hub's own
 */
export function openApiDocument(routes: readonly Route[], version: string): JsonObject {
  const components: JsonObject = {};
  const paths: Record<string, JsonObject> = {};
  for (const route of routes) {
    const operations = (paths[route.path] ??= {});
    operations[route.method.toLowerCase()] = operationOf(route, components);
  }
  toSchema(problemSchema, 'output', components);
  return {
    openapi: '3.1.0',
    info: {
      title: 'FunkyGibbon',
      version,
      description: 'The memory and the front door of a smart home.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }],
    paths,
    components: {
      schemas: components,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: {
        Problem: {
          description: 'What was wrong, for a person and (code, field) for a program; RFC 9457',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    },
  };
}

function operationOf(route: Route, components: JsonObject): JsonObject {
  const { docs } = route;
  const parameters = [...pathParameters(route), ...queryParameters(route, components)];
  const body = docs.documentedBody ?? route.body;
  return {
    operationId: operationId(route),
    tags: [tagOf(route.path)],
    summary: docs.summary,
    ...(route.authority === 'public' ? { security: [] } : {}),
    ...(route.authority !== 'public' && route.authority !== 'signed_in'
      ? { description: `Needs the permission ${route.authority}.` }
      : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? {
          requestBody: {
            required: !route.bodyOptional,
            content: {
              'application/json': {
                schema: toSchema(body, 'input', components),
                ...(docs.example === undefined ? {} : { example: docs.example }),
              },
            },
          },
        }
      : {}),
    responses: {
      [docs.answer.status]: {
        description: docs.summary,
        ...(docs.answer.content === undefined
          ? {}
          : { content: { [docs.answer.content]: { schema: { type: 'string' } } } }),
        ...(docs.answer.schema
          ? {
              content: {
                'application/json': { schema: toSchema(docs.answer.schema, 'output', components) },
              },
            }
          : {}),
      },
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

function pathParameters({ path, docs }: Route): JsonObject[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
    ...docs.params?.[name],
  }));
}

function queryParameters({ query }: Route, components: JsonObject): JsonObject[] {
  if (!query) return [];
  const { properties, required } = toSchema(query, 'input', components);
  if (!isJsonObject(properties)) return [];
  const needed = Array.isArray(required) ? required : [];
  return Object.entries(properties).map(([name, property]) => {
    const { description, example, ...schema } = isJsonObject(property) ? property : {};
    return {
      name,
      in: 'query',
      required: needed.includes(name),
      schema,
      ...(description === undefined ? {} : { description }),
      ...(example === undefined ? {} : { example }),
    };
  });
}

/** The JSON Schema of a zod schema; what has an id of its own goes to the components. */
function toSchema(schema: z.ZodType, io: 'input' | 'output', components: JsonObject): JsonObject {
  const { $schema: _, $defs, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  for (const [id, definition] of Object.entries($defs ?? {})) components[id] = hoisted(definition);
  return hoisted(rest) as JsonObject;
}

/** Points references at the components. */
function hoisted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hoisted);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string'
        ? member.replace('#/$defs/', '#/components/schemas/')
        : hoisted(member),
    ]),
  );
}

/** `GET /api/entities/{id}/versions` is `get_entities_id_versions`: stable, and unique because paths are. */
function operationId({ method, path }: Route): string {
  const words = path.replace(/^\/api\//, '/').match(/\w+/g) ?? [];
  return [method.toLowerCase(), ...words].join('_');
}

function tagOf(path: string): string {
  return /^\/api\/(\w+)/.exec(path)?.[1] ?? 'system';
}
