import type { Approval } from './reader.ts';
import type { AutomationStatus, Definition } from './types.ts';

/**
 * Whether an automation runs, and why not.
 * @param problems what keeps it from running here, the missing place of the home included.
 * @param doubt why one that somebody let run will do nothing; asked only of such.
 */
export function statusOf(
  { entityType, actions, wanted }: Definition,
  problems: Definition['problems'],
  approval: Approval | undefined,
  doubt: (approvedBy: string) => string | null,
): Pick<AutomationStatus, 'status' | 'reason' | 'approvedBy'> {
  const approvedBy = approval?.approvedBy ?? null;
  if (problems.length > 0) return { status: 'not_runnable', reason: null, approvedBy };
  if (!wanted) return { status: 'off', reason: null, approvedBy };
  if (approvedBy !== null) return { status: 'on', reason: doubt(approvedBy), approvedBy };
  // A schedule that does nothing itself is only times, for which nobody has to answer.
  if (entityType === 'schedule' && actions.length === 0) return { status: 'on', reason: null, approvedBy };
  return {
    status: 'held',
    reason: 'Nobody entitled to all it does has enabled it as it is now.',
    approvedBy,
  };
}
