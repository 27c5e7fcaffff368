import type { Principal } from '../access/types.ts';
import type { Library } from './library.ts';
import type { Action, AutomationDevices, AutomationRights, Condition, Definition } from './types.ts';

import { HubError } from '../base/errors.ts';

const MAX_SCENE_DEPTH = 4;

export interface Entitlement {
  readonly rights: AutomationRights;
  readonly devices: Pick<AutomationDevices, 'view'>;
  readonly library: Library;
}

/**
 * Refuses where the principal may not do all that the automation does, or not see all that it looks at: a person who is
 * limited to a room must not learn of another by what happens in theirs.
 * @throws HubError `forbidden`, `not_found` for a device that is not there.
 */
export function checkEntitled(definition: Definition, principal: Principal, context: Entitlement): void {
  const { rights } = context;
  rights.check(principal, { type: 'control' });
  for (const trigger of definition.triggers) {
    if ('entityId' in trigger) rights.check(principal, { type: 'see', entityId: trigger.entityId });
    if (trigger.type === 'presence') rights.check(principal, { type: 'see_all' });
  }
  for (const entityId of entitiesOf(definition.conditions))
    rights.check(principal, { type: 'see', entityId });
  checkActions(definition.actions, principal, context, 0);
}

function checkActions(
  actions: readonly Action[],
  principal: Principal,
  context: Entitlement,
  depth: number,
): void {
  const { rights, devices, library } = context;
  if (depth > MAX_SCENE_DEPTH) {
    throw new HubError(
      'invalid',
      `scenes that run scenes may do so ${MAX_SCENE_DEPTH} deep, and not in a ring`,
    );
  }
  for (const action of actions) {
    if (action.type === 'note') {
      rights.check(principal, { type: 'note' });
      continue;
    }
    const { entityId } = action;
    rights.check(principal, { type: 'see', entityId });
    const inner = action.type === 'command' ? undefined : library.get(entityId);
    if (inner) {
      checkActions(inner.actions, principal, context, depth + 1);
      continue;
    }
    const view = devices.view(entityId);
    if (!view)
      throw new HubError(
        'not_found',
        `There is no ${action.type === 'command' ? 'device' : 'scene'} ${entityId.slice(0, 128)}.`,
      );
    const writes = action.type === 'command' ? action.writes : sceneWrites(view.capabilities);
    rights.check(principal, { type: 'command', entityId, writes });
  }
}

/** What activates the scene of a device. */
export function sceneWrites(
  capabilities: readonly { readonly name: string; readonly kind: string }[],
): { capability: string; value: unknown }[] {
  const scene = capabilities.find(({ kind }) => kind === 'scene');
  return scene ? [{ capability: scene.name, value: 'activate' }] : [];
}

function entitiesOf(conditions: readonly Condition[]): string[] {
  return conditions.flatMap((condition) => {
    if (condition.type === 'state') return [condition.entityId];
    return 'conditions' in condition ? entitiesOf(condition.conditions) : [];
  });
}
