/** How often the line changes, at most. */
const EVERY_MS = 200;

export interface Progress extends Disposable {
  show(text: string): void;
}

/** One line on a terminal that tells how far something is, and goes away at the end. Nothing where there is no terminal. */
export function startProgress(stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Progress {
  let shownMs = Number.NEGATIVE_INFINITY;
  let isShown = false;
  return {
    show(text) {
      const nowMs = performance.now();
      if (stream.isTTY !== true || nowMs - shownMs < EVERY_MS) return;
      shownMs = nowMs;
      isShown = true;
      stream.write(`\r\u001b[K${text}`);
    },
    [Symbol.dispose]() {
      if (isShown) stream.write('\r\u001b[K');
      isShown = false;
    },
  };
}
