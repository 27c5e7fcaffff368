import * as z from 'zod';

import type { AutomationDirectory } from '../automations/types.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { Insights } from '../insights/insights.ts';

import { TERMINAL } from '../access/types.ts';
import { errorText, HubError } from '../base/errors.ts';
import { suggestionJson, suggestionsJson } from '../http/http.ts';
import { SUGGESTION_STATUSES } from '../insights/insights.ts';

const listArgs = z.object({ status: z.enum(SUGGESTION_STATUSES), include_locks: z.boolean() });
const idArgs = z.object({ id: z.string() });
const dismissArgs = z.object({ id: z.string(), reason: z.string().nullable() });

/** What the command line asks about suggestions, see `suggestion-command.ts`. Whoever is at the terminal may all. */
export function suggestionTasks(
  { suggestions }: Pick<Insights, 'suggestions'>,
  automations: Pick<AutomationDirectory, 'enable'>,
): ControlTasks {
  const { principal } = TERMINAL;
  return {
    suggestions: async (args) => {
      const { status, include_locks: wantsLocks } = listArgs.parse(args);
      // Whoever is at the terminal waits for a search, which takes some seconds, rather than ask again.
      await suggestions.upToDate();
      return suggestionsJson(suggestions.list(status), () => wantsLocks);
    },
    suggestions_accept: async (args) => {
      const { id } = idArgs.parse(args);
      const accepted = await suggestions.accept(id, principal.userId, () => undefined);
      const { automationId } = accepted;
      let held: string | null = null;
      try {
        if (automationId !== null) await automations.enable(automationId, TERMINAL);
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        held = errorText(error);
      }
      return { suggestion: suggestionJson(accepted), automation_id: automationId, held };
    },
    suggestions_restore: async (args) => {
      const { id } = idArgs.parse(args);
      return { suggestion: suggestionJson(await suggestions.restore(id)) };
    },
    suggestions_dismiss: async (args) => {
      const { id, reason } = dismissArgs.parse(args);
      return { suggestion: suggestionJson(await suggestions.dismiss(id, principal.userId, reason)) };
    },
  };
}
