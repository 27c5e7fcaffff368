import { createRequire } from 'node:module';

/** What is used of ciao 1.3's Responder. */
interface Responder {
  createService: (options: unknown) => unknown;
  shutdown: () => Promise<void>;
  /** Private in ciao's types; until a service is advertised it is the binding of the UDP sockets. */
  readonly promiseChain?: Promise<unknown>;
}

interface CiaoModule {
  default: { getResponder: (options?: unknown) => Responder };
}

/** Watches over the mDNS responder that the library takes while it publishes. */
export interface ResponderWatch {
  /** To be called once the library has its responder; others get theirs untouched from then on. */
  restore(): void;
  /**
   * Resolves when the sockets are open. A responder that is shut down before opens them afterwards and never closes
   * them, which would keep the process alive.
   */
  bound(): Promise<void>;
  /** Closes a responder that the library took and then dropped, because it refused the service. */
  shutdown(): Promise<void>;
}

/**
 * Stands between the library and its mDNS module for the moment of publishing. With `advertise` false the library gets
 * a responder that announces nothing and opens no socket, for which it has no option of its own.
 */
export function watchResponder(advertise: boolean): ResponderWatch {
  const ciao = loadCiao();
  const { getResponder } = ciao;
  let responder: Responder | undefined;
  let binding: Promise<unknown> | undefined;
  ciao.getResponder = (options) => {
    responder = advertise ? getResponder(options) : silentResponder();
    binding = responder.promiseChain;
    return responder;
  };
  return {
    restore() {
      ciao.getResponder = getResponder;
    },
    async bound() {
      await binding?.catch(() => undefined);
    },
    async shutdown() {
      await binding?.catch(() => undefined);
      await responder?.shutdown();
    },
  };
}

/** The very copy that the library uses: it is the library's dependency, not ours. */
function loadCiao(): CiaoModule['default'] {
  const fromHere = createRequire(import.meta.url);
  const fromLibrary = createRequire(fromHere.resolve('@homebridge/hap-nodejs'));
  return (fromLibrary('@homebridge/ciao') as CiaoModule).default;
}

function silentResponder(): Responder {
  const nothing = (): undefined => undefined;
  const later = async (): Promise<void> => await Promise.resolve();
  const service = { on: nothing, updatePort: nothing, updateTxt: nothing, advertise: later, destroy: later };
  return { createService: () => service, shutdown: later };
}
