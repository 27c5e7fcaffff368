import type { Logger } from '../base/log.ts';

const METHODS = ['log', 'info', 'warn', 'error'] as const;
const MAX_LENGTH = 500;

/**
 * Sends what hap-nodejs and its mDNS responder print into the log until disposed. They write to the console directly,
 * some of it to standard output, where the hub prints its one `ready` line; everybody else's output passes through.
 */
export function routeLibraryConsole(log: Logger): Disposable {
  const target = globalThis.console;
  const restores = METHODS.map((method) => {
    const original = target[method];
    const routed = (...values: unknown[]): void => {
      if (!calledByLibrary()) original.apply(target, values);
      else
        log.warn({ text: values.map(String).join(' ').slice(0, MAX_LENGTH) }, 'the HomeKit library reports');
    };
    target[method] = routed;
    return () => {
      if (target[method] === routed) target[method] = original;
    };
  });
  return {
    [Symbol.dispose]() {
      for (const restore of restores) restore();
    },
  };
}

function calledByLibrary(): boolean {
  const stack = new Error('who prints').stack ?? '';
  return /[/\\]@homebridge[/\\](?:hap-nodejs|ciao)[/\\]/.test(stack);
}
