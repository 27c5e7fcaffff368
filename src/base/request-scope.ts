import { AsyncLocalStorage } from 'node:async_hooks';

interface Scope {
  readonly requestId: string;
  /** What a request has set going may go on for long after its answer: it is no part of it any more. */
  isOver: boolean;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Answers one request: whatever is logged until then, by whichever part, carries its id. */
export async function inRequest<T>(requestId: string, answer: () => Promise<T>): Promise<T> {
  const scope: Scope = { requestId, isOver: false };
  try {
    return await scopes.run(scope, answer);
  } finally {
    scope.isOver = true;
  }
}

/** The id of the request that is being answered here, or undefined. */
export function requestIdHere(): string | undefined {
  const scope = scopes.getStore();
  return scope === undefined || scope.isOver ? undefined : scope.requestId;
}
