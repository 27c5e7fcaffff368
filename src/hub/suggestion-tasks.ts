import * as z from 'zod';

import type { AutomationDirectory } from '../automations/types.ts';
import type { ControlTasks } from '../cli/cli.ts';
import type { Insights } from '../insights/insights.ts';

import { TERMINAL } from '../access/types.ts';
import { errorText, HubError } from '../base/errors.ts';
import { suggestionJson, suggestionsJson } from '../http/http.ts';

const listArgs = z.object({ include_locks: z.boolean() });
const acceptArgs = z.object({ id: z.string() });
const dismissArgs = z.object({ id: z.string(), reason: z.string().nullable() });

/** What the command line asks about suggestions, see `suggestion-command.ts`. Whoever is at the terminal may all. */
export function suggestionTasks(
  { suggestions }: Pick<Insights, 'suggestions'>,
  automations: Pick<AutomationDirectory, 'enable'>,
): ControlTasks {
  const { principal } = TERMINAL;
  return {
    suggestions: async (args) => {
      const { include_locks: wantsLocks } = listArgs.parse(args);
      return suggestionsJson(await suggestions.list('proposed'), () => wantsLocks);
    },
    suggestions_accept: async (args) => {
      const { id } = acceptArgs.parse(args);
      const accepted = await suggestions.accept(id, principal.userId, () => undefined);
      const { automationId } = accepted;
      let held: string | null = null;
      try {
        if (automationId !== null) await automations.enable(automationId, principal);
      } catch (error) {
        if (!(error instanceof HubError)) throw error;
        held = errorText(error);
      }
      return { suggestion: suggestionJson(accepted), automation_id: automationId, held };
    },
    suggestions_dismiss: async (args) => {
      const { id, reason } = dismissArgs.parse(args);
      return { suggestion: suggestionJson(await suggestions.dismiss(id, principal.userId, reason)) };
    },
  };
}
