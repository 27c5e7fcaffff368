import * as z from 'zod';

import type { AutomationDirectory, AutomationStatus, Run } from '../automations/types.ts';
import type { ControlTasks } from '../cli/cli.ts';

import { TERMINAL } from '../access/types.ts';
import { HubError } from '../base/errors.ts';
import { checkJson, detailJson, runJson, statusJson } from '../http/http.ts';

const SHOWN_RUNS = 10;
const idArgs = z.object({ id: z.string() });
const runArgs = z.object({ id: z.string(), force: z.boolean() });
const historyArgs = z.object({ id: z.string().nullable(), limit: z.int().min(1).max(500) });
const checkArgs = z.object({
  entity_type: z.enum(['automation', 'schedule']),
  content: z.record(z.string(), z.unknown()),
});

/**
 * What the command line asks about automations, see `automation-command.ts`. Whoever is at the terminal acts as the owner;
 * what they decide is in the audit log as the terminal's.
 */
export function automationTasks(automations: AutomationDirectory): ControlTasks {
  const decide =
    (act: (id: string) => Promise<AutomationStatus>) =>
    async (args: unknown): Promise<object> =>
      statusJson(await act(idOf(automations, idArgs.parse(args).id)));
  return {
    automations: async () => await Promise.resolve(automations.list().map(statusJson)),
    automations_show: async (args) => {
      const id = idOf(automations, idArgs.parse(args).id);
      const runs = automations.runs(id, SHOWN_RUNS, 0).map(runJson);
      return await Promise.resolve({ ...detailJson(automations, id), runs });
    },
    automations_enable: decide(async (id) => await automations.enable(id, TERMINAL)),
    automations_disable: decide(async (id) => await automations.disable(id, TERMINAL)),
    automations_approve: decide(async (id) => await automations.approve(id, TERMINAL)),
    automations_run: async (args) => {
      const { id, force } = runArgs.parse(args);
      return runJson(await automations.run(idOf(automations, id), TERMINAL, { force }));
    },
    automations_history: async (args) => {
      const { id, limit } = historyArgs.parse(args);
      const known = id === null ? null : idOf(automations, id);
      const names = new Map(automations.list().map(({ definition: { entityId, name } }) => [entityId, name]));
      const line = (run: Run): object => ({
        ...runJson(run),
        name: names.get(run.automationId) ?? `${run.automationId} (deleted)`,
      });
      return await Promise.resolve(automations.runs(known, limit, 0).map(line));
    },
    automations_check: async (args) => {
      const { entity_type: entityType, content } = checkArgs.parse(args);
      return await Promise.resolve(checkJson(automations.check(entityType, content)));
    },
  };
}

/** The id of what a person calls by its id or its name. @throws HubError `not_found`, `invalid` for a name of several. */
function idOf(automations: Pick<AutomationDirectory, 'list'>, said: string): string {
  const all = automations.list().map(({ definition: { entityId, name } }) => ({ entityId, name }));
  const exact = all.find(({ entityId }) => entityId === said);
  if (exact) return exact.entityId;
  const [named, ...others] = all.filter(({ name }) => name.toLowerCase() === said.toLowerCase());
  if (named && others.length === 0) return named.entityId;
  const shown = said.slice(0, 128);
  if (named)
    throw new HubError('invalid', `Several are called "${shown}": say the id, see \`automations list\`.`);
  throw new HubError('not_found', `There is no automation "${shown}": see \`automations list\`.`);
}
