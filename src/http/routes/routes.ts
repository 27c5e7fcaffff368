import type { Route } from '../route.ts';
import type { HttpOptions } from '../types.ts';

import { authRoutes } from './auth.ts';
import { deviceRoutes } from './devices.ts';
import { entityRoutes } from './entities.ts';
import { relationshipRoutes } from './relationships.ts';
import { syncRoutes } from './sync.ts';
import { systemRoutes } from './system.ts';

/** What the routes of all areas need. */
export type RouteContext = Pick<
  HttpOptions,
  'access' | 'clock' | 'devices' | 'graph' | 'notReady' | 'sync' | 'version'
>;

/** The whole surface, in the order in which a document would list it. */
export function routeTable(context: RouteContext): Route[] {
  return [
    ...systemRoutes(context),
    ...authRoutes(context),
    ...entityRoutes(context),
    ...relationshipRoutes(context),
    ...deviceRoutes(context),
    ...syncRoutes(context),
  ];
}
