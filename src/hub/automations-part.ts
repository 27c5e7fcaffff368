import type { Access } from '../access/access.ts';
import type { Principal } from '../access/types.ts';
import type { AutomationRights } from '../automations/types.ts';
import type { HubConfig } from '../config/config.ts';
import type { DeviceView } from '../devices/types.ts';
import type { Graph } from '../graph/graph.ts';
import type { Shared } from './optional-parts.ts';

import { Automations } from '../automations/automations.ts';
import { HomeZone } from '../base/home-zone.ts';
import { HubError } from '../base/errors.ts';
import { Sun } from '../base/sun.ts';
import { commandKinds, toldWrites } from '../devices/devices.ts';

/** Starts what runs automations. */
export function startAutomationsPart(
  config: HubConfig,
  shared: Pick<Shared, 'store' | 'devices' | 'clock' | 'log' | 'opening'> & { graph: Graph; access: Access },
): Automations {
  const { store, graph, devices, access, clock, log, opening } = shared;
  const { timezone, latitude, longitude } = config.home;
  const zone = new HomeZone(timezone);
  return opening.add(
    'automations',
    Automations.start({
      store,
      graph,
      devices,
      rights: automationRights(access, graph, devices),
      zone,
      sun: latitude === null || longitude === null ? null : new Sun(latitude, longitude, zone),
      clock,
      log: log.child({ part: 'automations' }),
    }),
  );
}

/** The policy, as it is asked before an automation does something for somebody. */
export function automationRights(access: Access, graph: Graph, devices: Shared['devices']): AutomationRights {
  const refuse = (message: string): never => {
    throw new HubError('forbidden', message);
  };
  const existing = (entityId: string): DeviceView => {
    const view = devices.view(entityId);
    if (!view) throw new HubError('not_found', `There is no device ${entityId.slice(0, 128)}.`);
    return view;
  };
  const isSeen = ({ rooms }: Principal, id: string): boolean =>
    !rooms || graph.visibility.of(rooms).ids.has(id);
  return {
    principalOf: (userId) => access.principalOf(userId),
    check: (principal, need) => {
      const { username } = principal;
      if (need.type === 'see') {
        if (!isSeen(principal, need.entityId)) refuse(`${username} does not see ${need.entityId}.`);
      } else if (need.type === 'see_all') {
        if (principal.rooms) refuse(`${username} is limited to some rooms and may not learn who is at home.`);
      } else if (need.type === 'control') {
        if (!access.allows(principal, 'home:control')) refuse(`${username} may not command devices.`);
      } else if (need.type === 'note') {
        if (principal.rooms || !access.allows(principal, 'graph:write'))
          refuse(`${username} may not write notes.`);
      } else if (!access.mayCommand(principal, commandKinds(existing(need.entityId), need.writes))) {
        refuse(`${username} may not command ${existing(need.entityId).name}.`);
      }
    },
    record: ({ action, by, entityId, details }) =>
      access.audit.record({ action, by: by.principal, from: by, target: entityId.slice(0, 128), details }),
    authorize: (principal, { entityId, writes, automationId }) => {
      const view = existing(entityId);
      access.authorizeCommand(
        { principal, address: 'automation', requestId: automationId },
        {
          entityId,
          kinds: commandKinds(view, writes),
          details: { automation: automationId, values: toldWrites(view, writes) },
        },
      );
    },
  };
}
