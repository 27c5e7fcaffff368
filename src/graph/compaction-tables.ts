/**
 * A step of the owner `graph`: what is left of a version whose content was removed, see compaction.ts. It is still known
 * as held, and its descendants still find their ancestors behind it.
 */
export const COMPACTED_TABLES = `
CREATE TABLE compacted_version (
  entity_key INTEGER NOT NULL REFERENCES entity (key),
  moment     INTEGER NOT NULL,    -- as in entity_version
  version    TEXT NOT NULL,       -- packed, as there
  parents    TEXT NOT NULL,       -- packed, as there
  PRIMARY KEY (entity_key, moment, version)
) STRICT, WITHOUT ROWID;
`;
