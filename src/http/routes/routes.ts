import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { openApiDocument } from '../openapi.ts';
import { authRoutes } from './auth.ts';
import { deviceRoutes } from './devices.ts';
import { documentRoutes } from './document.ts';
import { entityRoutes } from './entities.ts';
import { entityHistoryRoutes } from './entity-history.ts';
import { graphRoutes } from './graph.ts';
import { relationshipRoutes } from './relationships.ts';
import { searchRoutes } from './search.ts';
import { syncRoutes } from './sync.ts';
import { systemRoutes } from './system.ts';

/** What the routes of all areas need. */
export type RouteContext = Pick<
  HttpOptions,
  'access' | 'clock' | 'devices' | 'graph' | 'notReady' | 'sync' | 'version'
>;

/** The whole surface, in the order in which a document would list it. */
export function routeTable(context: RouteContext): Route[] {
  const routes: Route[] = [
    ...systemRoutes(context),
    ...documentRoutes(() => openApiDocument(routes, context.version)),
    ...authRoutes(context),
    ...entityRoutes(context),
    ...entityHistoryRoutes(context),
    ...relationshipRoutes(context),
    ...searchRoutes(context),
    ...graphRoutes(context),
    ...deviceRoutes(context),
    ...syncRoutes(context),
  ];
  return routes;
}
