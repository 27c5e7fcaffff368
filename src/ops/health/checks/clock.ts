import { existsSync } from 'node:fs';

import type { Clock } from '../../../base/clock.ts';
import type { Check } from '../types.ts';

import { toIso } from '../../../base/clock.ts';

/** This version was not yet written then: a clock that shows less is wrong. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
/** Beyond the life of any card, and of most certificates. */
const LATEST_MS = Date.UTC(2100, 0, 1);
/** What a clock may be set by without anybody noticing. */
const JUMP_MS = 60_000;
/** So long a jump is told. */
const TOLD_MS = 3600_000;

const SET_IT =
  '`timedatectl` shows whether the time comes from the network; `sudo timedatectl set-ntp true` switches that on. A machine without a battery needs it at each start.';

/** Whether the wall clock can be right. Schedules, tokens, certificates and what phones sync go by it. */
export function clockCheck(clock: Clock, isSynchronised: () => boolean | null = readSynchronised): Check {
  let offsetMs = clock.nowMs() - clock.monotonicMs();
  let jump: { readonly byMs: number; readonly atMs: number } | undefined;
  return {
    name: 'clock',
    look: () => {
      const nowMs = clock.nowMs();
      const byMs = nowMs - clock.monotonicMs() - offsetMs;
      offsetMs += byMs;
      if (Math.abs(byMs) > JUMP_MS) jump = { byMs, atMs: clock.monotonicMs() };
      const synchronised = isSynchronised();
      const details = {
        time: toIso(nowMs),
        synchronised,
        last_jump_seconds: jump ? Math.round(jump.byMs / 1000) : null,
      };
      if (nowMs < EARLIEST_MS || nowMs > LATEST_MS) {
        return {
          status: 'fail',
          summary: `It shows ${toIso(nowMs)}, which cannot be. Until it is right schedules do not run as they should, and logins may be refused.`,
          whatToDo: SET_IT,
          details,
        };
      }
      if (synchronised === false) {
        return {
          status: 'warn',
          summary: 'It was not set by the network since the machine was started.',
          whatToDo: SET_IT,
          details,
        };
      }
      if (jump && clock.monotonicMs() - jump.atMs < TOLD_MS) {
        return {
          status: 'warn',
          summary: `It was set ${jump.byMs > 0 ? 'ahead' : 'back'} by ${Math.round(Math.abs(jump.byMs) / 1000)} s within the last hour.`,
          whatToDo:
            'Once after a start that is as it should be. Where it comes again, look for two programs that set the time.',
          details,
        };
      }
      return { status: 'ok', summary: `It shows ${toIso(nowMs)}.`, details };
    },
  };
}

/** What systemd-timesyncd says; null where something else, or nothing, sets the clock. */
function readSynchronised(): boolean | null {
  if (existsSync('/run/systemd/timesync/synchronized')) return true;
  return existsSync('/run/systemd/timesync') ? false : null;
}
