import type { IncomingMessage } from 'node:http';

import { TLSSocket } from 'node:tls';

import { H3, type H3Event } from 'h3';
import type { ServerRequest } from 'srvx';

import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Cors } from './cors.ts';
import type { Exchange } from './exchange.ts';
import type { HttpObserver } from './types.ts';
import type { Gate } from './gate.ts';
import type { Reply } from './reply.ts';
import type { Call, Route } from './route.ts';

import { parseJson } from '../base/json.ts';
import { inRequest } from '../base/request-scope.ts';
import { networkOf } from './client-address.ts';
import { headerOf } from './exchange.ts';
import { LargeBodies } from './large-bodies.ts';
import { HttpProblem, problemJson, toProblem, type Problem } from './problem.ts';
import { empty, jsonText } from './reply.ts';
import { readBody, toText } from './request-body.ts';
import { toResponse } from './response.ts';
import { check } from './route.ts';

export interface PipelineOptions {
  readonly gate: Gate;
  readonly cors: Cors;
  readonly clock: Clock;
  readonly log: Logger;
  readonly routes: readonly Route[];
  /** True once the part is closing: connections are not kept then. */
  readonly isClosing: () => boolean;
  /** True where browsers may be told to come back by TLS only. */
  readonly tlsOnly: () => boolean;
  /** Counts requests; undefined where nobody does. */
  readonly observer: HttpObserver | undefined;
}

/** A month, and not a year: who goes back to plain HTTP would wait as long. */
const STRICT_TRANSPORT = { 'strict-transport-security': 'max-age=2592000' };

/** Methods that are answered with 405 on a path that knows others. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/**
 * Takes a request through the same steps whatever it wants: identify, count, route, authorise, check, handle, answer.
 * It never rejects: whatever goes wrong becomes a problem document.
 */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #largeBodies = new LargeBodies();
  readonly #app: H3;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#app = new H3({
      silent: true,
      // Only the router's own refusals come here; each handler below answers its own errors.
      onError: async (error, event) => await this.#refuse(exchangeOf(event), error),
    });
    this.#register(options.routes);
  }

  async answer(request: ServerRequest): Promise<Response> {
    const { gate, cors, clock, log, observer } = this.#options;
    const startedMs = clock.monotonicMs();
    const exchange = gate.begin(nodeRequestOf(request));
    observer?.began();
    const response = await inRequest(
      exchange.requestId,
      async () =>
        await this.#route(request, exchange, cors).catch(
          async (error: unknown) => await this.#refuse(exchange, error),
        ),
    );
    const ms = clock.monotonicMs() - startedMs;
    const { method } = request;
    observer?.answered({ method, endpoint: exchange.endpoint, status: response.status, ms });
    log.debug(
      {
        request_id: exchange.requestId,
        method: request.method,
        path: exchange.request.url?.split('?', 1)[0],
        status: response.status,
        user_id: exchange.principal?.userId,
        address: exchange.address,
        took_ms: Math.round(ms),
      },
      'answered a request',
    );
    return response;
  }

  async #route(request: ServerRequest, exchange: Exchange, cors: Cors): Promise<Response> {
    await this.#options.gate.identify(exchange);
    this.#options.gate.count(exchange);
    this.#options.gate.checkSource(exchange);
    if (request.method === 'OPTIONS') {
      const granted = cors.preflight(
        headerOf(exchange.request, 'origin'),
        headerOf(exchange.request, 'access-control-request-method'),
      );
      if (granted) return await this.#respond(empty(204, granted), exchange);
    }
    request.context = { exchange };
    return await this.#app.fetch(request);
  }

  /** The table in one loop. What is not in it cannot be reached. */
  #register(routes: readonly Route[]): void {
    const paths = new Map<string, Route[]>();
    for (const route of routes) {
      const pattern = route.path.replaceAll(/\{(\w+)\}/g, ':$1');
      paths.set(pattern, [...(paths.get(pattern) ?? []), route]);
    }
    for (const [pattern, atPath] of paths) {
      const allowed: string[] = [];
      for (const route of atPath) {
        for (const method of route.method === 'GET' ? (['GET', 'HEAD'] as const) : [route.method]) {
          allowed.push(method);
          this.#app.on(method, pattern, async (event) => await this.#handle(route, event));
        }
      }
      for (const method of METHODS) {
        if (allowed.includes(method)) continue;
        this.#app.on(method, pattern, async (event) => {
          exchangeOf(event).endpoint = atPath[0]?.path;
          return await this.#refuseMethod(method, allowed, event);
        });
      }
    }
  }

  async #handle(route: Route, event: H3Event): Promise<Response> {
    const exchange = exchangeOf(event);
    const { query: querySchema, body: bodySchema } = route;
    exchange.endpoint = route.path;
    try {
      this.#options.gate.authorize(exchange, route);
      const query =
        querySchema &&
        (await orInvalid(route, () => check(querySchema, Object.fromEntries(event.url.searchParams))));
      const answer = async (body: unknown): Promise<Response> =>
        await this.#respond(await route.handle(toCall(exchange, event, query, body)), exchange);
      if (!bodySchema) return await answer(null);
      using held = this.#largeBodies.hold(exchange.principal?.userId ?? networkOf(exchange.address));
      // Outside of the heap until it is its turn.
      const bytes = await orInvalid(
        route,
        async () => await readBody(exchange.request, route.bodyLimitBytes, held.add),
      );
      held.arrived();
      return await this.#largeBodies.run(held.bytes, async () => {
        // A body may take a minute to come, in which whoever sent it was deleted, demoted or logged out.
        await this.#options.gate.identifyAgain(exchange);
        this.#options.gate.authorize(exchange, route);
        const body = await orInvalid(route, () => check(bodySchema, toJson(toText(bytes), route)));
        return await answer(body);
      });
    } catch (error) {
      return await this.#refuse(exchange, error);
    }
  }

  async #refuseMethod(method: string, allowed: readonly string[], event: H3Event): Promise<Response> {
    const allow = allowed.join(', ');
    if (method === 'OPTIONS') return await this.#respond(empty(204, { allow }), exchangeOf(event));
    const error = new HttpProblem(405, 'METHOD_NOT_ALLOWED', `This path takes ${allow}.`, { allow });
    return await this.#refuse(exchangeOf(event), error);
  }

  async #refuse(exchange: Exchange, error: unknown): Promise<Response> {
    const problem = toProblem(error);
    const { requestId: request_id } = exchange;
    if (problem.unexpected) this.#options.log.error({ err: error, request_id }, 'a request failed');
    else if (problem.status >= 500) {
      this.#options.log.warn(
        { request_id, status: problem.status, reason: problem.detail },
        'a request failed',
      );
    }
    return await this.#respond(problemReply(problem, request_id), exchange);
  }

  async #respond(reply: Reply, exchange: Exchange): Promise<Response> {
    const { cors, isClosing, log, tlsOnly } = this.#options;
    const { request } = exchange;
    // A body that was refused half-way must not be taken for the next request.
    const abandoned = reply.status === 413 && !request.complete;
    const extra = {
      ...cors.headers(headerOf(request, 'origin')),
      ...(abandoned || isClosing() ? { connection: 'close' } : {}),
      ...(request.socket instanceof TLSSocket && tlsOnly() ? STRICT_TRANSPORT : {}),
    };
    return await toResponse(reply, exchange, extra, (error) => {
      log.warn({ err: error, request_id: exchange.requestId }, 'an answer broke off');
    });
  }
}

function problemReply(problem: Problem, requestId: string): Reply {
  return jsonText(problemJson(problem, requestId), {
    status: problem.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...problem.headers,
    },
  });
}

function toJson(text: string, route: Route): unknown {
  if (text.trim() === '') {
    if (route.bodyOptional) return {};
    throw new HttpProblem(400, 'VALIDATION_ERROR', 'The body is empty; it must be a JSON object.');
  }
  return parseJson(text);
}

/** Answers what `read` finds to be wrong with the status that the clients of this route know. */
async function orInvalid<T>(route: Route, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const told = toProblem(error);
    if (told.status !== 400 || route.invalidInputStatus === 400) throw error;
    throw new HttpProblem(route.invalidInputStatus, told.code, told.detail);
  }
}

function toCall(exchange: Exchange, event: H3Event, query: unknown, body: unknown): Call {
  return {
    requestId: exchange.requestId,
    address: exchange.address,
    get principal() {
      if (!exchange.principal) throw new Error('a public route has no principal');
      return exchange.principal;
    },
    query,
    body,
    param: (name) => decodeURIComponent(event.context.params?.[name] ?? ''),
    header: (name) => headerOf(exchange.request, name),
  };
}

function exchangeOf(event: H3Event): Exchange {
  const { exchange } = event.context;
  if (exchange === undefined) throw new Error('a request reached the router past the gate');
  return exchange as Exchange;
}

function nodeRequestOf(request: ServerRequest): IncomingMessage {
  const node = request.runtime?.node;
  if (!node) throw new Error('the server is not running on Node');
  return node.req as IncomingMessage;
}
