import { DatabaseSync, type StatementSync } from 'node:sqlite';

/**
 * The bare statements that a change of a versioned entity takes: insert the version, move the pointer to the latest,
 * append to a change log; keyed by the texts that go over the wire. No rules, no ids, no JSON: what is left is SQLite.
 */
export class BareStore implements Disposable {
  readonly db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #latest: StatementSync;
  readonly #log: StatementSync;
  readonly #read: StatementSync;
  #count = 0;

  constructor(file: string) {
    this.db = new DatabaseSync(file);
    this.db.exec(`
      PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0;
      PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;
      CREATE TABLE entity_version (id TEXT, version TEXT, entity_type TEXT, parents TEXT, content TEXT, user_id TEXT,
        updated_at TEXT, PRIMARY KEY (id, version));
      CREATE TABLE latest (id TEXT PRIMARY KEY, version TEXT, updated_at TEXT);
      CREATE TABLE change_log (seq INTEGER PRIMARY KEY, id TEXT, version TEXT);
    `);
    this.#insert = this.db.prepare('INSERT INTO entity_version VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#latest = this.db.prepare(
      `INSERT INTO latest VALUES (?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at`,
    );
    this.#log = this.db.prepare('INSERT INTO change_log (id, version) VALUES (?, ?)');
    this.#read = this.db.prepare(
      'SELECT v.* FROM latest l JOIN entity_version v ON v.id = l.id AND v.version = l.version WHERE l.id = ?',
    );
  }

  /** One transaction that gives each id a new version. */
  write(ids: readonly string[], content: string): void {
    this.db.exec('BEGIN IMMEDIATE');
    for (const id of ids) {
      const n = this.#count;
      this.#count += 1;
      const time = `2026-01-01T00:00:00.${String(n % 1e6).padStart(6, '0')}+00:00`;
      const version = `${time}-${String(n).padStart(6, '0')}-hub`;
      this.#insert.run(
        id,
        version,
        'device',
        '["2026-01-01T00:00:00.000000+00:00-000000-hub"]',
        content,
        'hub',
        time,
      );
      this.#latest.run(id, version, time);
      this.#log.run(id, version);
    }
    this.db.exec('COMMIT');
  }

  read(id: string): unknown {
    return this.#read.get(id);
  }

  checkpoint(): void {
    this.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  [Symbol.dispose](): void {
    this.db.close();
  }
}
