import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { Tools } from '../../tools/tools.ts';
import { openApiDocument } from '../openapi.ts';
import { accessoryRoutes } from './accessories.ts';
import { activityRoutes } from './activity.ts';
import { apiKeyRoutes } from './api-keys.ts';
import { auditRoutes, noteRefusals } from './audit.ts';
import { automationRoutes } from './automations.ts';
import { authRoutes } from './auth.ts';
import { backupRoutes } from './backups.ts';
import { deviceRoutes } from './devices.ts';
import { documentRoutes } from './document.ts';
import { energyPriceRoutes } from './energy-prices.ts';
import { energyRoutes } from './energy.ts';
import { entityRoutes } from './entities.ts';
import { entityHistoryRoutes } from './entity-history.ts';
import { graphRoutes } from './graph.ts';
import { homekitRoutes } from './homekit.ts';
import { jobRoutes } from './jobs.ts';
import { mqttRoutes } from './mqtt.ts';
import { mqttUserRoutes } from './mqtt-users.ts';
import { pairingRoutes } from './pairing.ts';
import { readingRoutes } from './readings.ts';
import { reportRoutes } from './reports.ts';
import { relationshipRoutes } from './relationships.ts';
import { searchRoutes } from './search.ts';
import { setupPageRoutes } from './setup-page.ts';
import { suggestionRoutes } from './suggestions.ts';
import { syncRoutes } from './sync.ts';
import { systemRoutes } from './system.ts';
import { usageRoutes } from './usage.ts';
import { userRoutes } from './users.ts';
import { watchRoutes } from './watch.ts';
import { authV1Routes } from './v1/auth.ts';
import { graphV1Routes } from './v1/graph.ts';
import { mcpV1Routes } from './v1/mcp.ts';
import { syncMetadataV1Routes } from './v1/sync-metadata.ts';
import { syncV1Routes } from './v1/sync.ts';

/** What the routes of all areas need. */
export type RouteContext = Pick<
  HttpOptions,
  | 'access'
  | 'accessories'
  | 'activity'
  | 'automations'
  | 'backups'
  | 'clients'
  | 'clock'
  | 'devices'
  | 'diagnosis'
  | 'graph'
  | 'homekit'
  | 'jobs'
  | 'insights'
  | 'metricsPublic'
  | 'mqttUsers'
  | 'notReady'
  | 'readings'
  | 'reports'
  | 'sync'
  | 'tlsFingerprint'
  | 'tlsUrlForOthers'
  | 'urlForOthers'
  | 'version'
  | 'watch'
>;

/** The whole surface, in the order in which a document would list it. */
export function routeTable(context: RouteContext): Route[] {
  const tools = new Tools(context);
  const routes: Route[] = noteRefusals(context, [
    ...systemRoutes(context),
    ...documentRoutes(() => openApiDocument(routes, context.version)),
    ...setupPageRoutes(context),
    ...authRoutes(context),
    ...userRoutes(context),
    ...apiKeyRoutes(context),
    ...pairingRoutes(context),
    ...auditRoutes(context),
    ...jobRoutes(context),
    ...backupRoutes(context),
    ...watchRoutes(context),
    ...entityRoutes(context),
    ...entityHistoryRoutes(context),
    ...relationshipRoutes(context),
    ...searchRoutes(context),
    ...graphRoutes(context),
    ...deviceRoutes(context),
    ...readingRoutes(context),
    ...activityRoutes(context),
    ...usageRoutes(context),
    ...suggestionRoutes(context),
    ...energyRoutes(context),
    ...energyPriceRoutes(context),
    ...reportRoutes(context),
    ...automationRoutes(context),
    ...mqttRoutes(context),
    ...mqttUserRoutes(context),
    ...accessoryRoutes(context),
    ...homekitRoutes(context),
    ...syncRoutes(context),
    ...authV1Routes(context),
    ...syncV1Routes(context),
    ...graphV1Routes({ tools }),
    ...mcpV1Routes({ access: context.access, tools }),
    ...syncMetadataV1Routes(context),
  ]);
  return routes;
}
