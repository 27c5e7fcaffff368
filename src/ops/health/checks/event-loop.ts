import type { LoopLag } from '../../../base/loop-watch.ts';
import type { Check } from '../types.ts';

const WARN_MAX_MS = 1000;
const FAIL_MAX_MS = 10_000;

/** Whether the hub gets to do things in time. */
export function eventLoopCheck(lag: () => LoopLag): Check {
  return {
    name: 'event_loop',
    look: () => {
      const { p50, p99, max } = lag();
      const details = { p50_ms: round(p50), p99_ms: round(p99), max_ms: round(max) };
      const summary = `In the last two minutes something had to wait ${round(max)} ms at most.`;
      if (max < WARN_MAX_MS) return { status: 'ok', summary, details };
      return {
        status: max < FAIL_MAX_MS ? 'warn' : 'fail',
        summary,
        whatToDo:
          'The machine is too busy, or too hot, or its disk stops: look at `top`, `vcgencmd get_throttled` and `dmesg`. Where it comes again on an idle machine, report it with the log of that minute.',
        details,
      };
    },
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
