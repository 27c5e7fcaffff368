import type { Migrations } from '../base/migrations.ts';

const STEP_1 = `
CREATE TABLE mqtt_retained (
  topic      TEXT PRIMARY KEY,   -- as published
  payload    BLOB NOT NULL,      -- the last retained message; never empty, an empty one removes the row
  qos        INTEGER NOT NULL,   -- 0, 1 or 2, as published
  updated_ms INTEGER NOT NULL    -- ms since the Unix epoch, when it was written here
) STRICT, WITHOUT ROWID;
`;

/** What the embedded broker keeps, so that retained messages survive a restart as MQTT's users expect. */
export const mqttTables: Migrations = { owner: 'mqtt', steps: [STEP_1] };
