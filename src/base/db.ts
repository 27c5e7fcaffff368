import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** What can be bound to a `?`. Booleans are written as 0 or 1 by the caller; a plain object never binds. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** One row as SQLite returns it; `reader.ts` files turn it into a domain type. */
export type Row = Record<string, SqlValue>;

/**
 * Holding one means: you may read. Statements are prepared once and kept by their text, so SQL texts must be constants
 * (values go through `?`); `R` names the columns that the SELECT returns.
 */
export class Db {
  protected readonly connection: DatabaseSync;
  readonly #statements: Map<string, StatementSync>;

  constructor(connection: DatabaseSync, statements: Map<string, StatementSync>) {
    this.connection = connection;
    this.#statements = statements;
  }

  /** The first row, or undefined. */
  get<R extends object>(sql: string, ...values: SqlValue[]): R | undefined {
    return this.statement(sql).get(...(values as SQLInputValue[])) as R | undefined;
  }

  /** Every row, in memory: put a LIMIT on what can grow. */
  all<R extends object>(sql: string, ...values: SqlValue[]): R[] {
    return this.statement(sql).all(...(values as SQLInputValue[])) as unknown as R[];
  }

  /**
   * Rows one by one. The same SQL text must not be run again before the loop ends: SQLite invalidates the iterator.
   */
  iterate<R extends object>(sql: string, ...values: SqlValue[]): IterableIterator<R> {
    return this.statement(sql).iterate(...(values as SQLInputValue[])) as unknown as IterableIterator<R>;
  }

  protected statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.connection.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/**
 * Runs `body`, whose reads then see the file under one lock. Alone each read takes and gives back a lock by system calls,
 * at twice the price of the read itself. `body` must not call this again.
 */
export function readTogether(db: Db, body: () => void): void {
  // A SELECT that has not come to its end holds the lock, and there is always more than one row.
  const holding = db.iterate('SELECT rowid FROM sqlite_schema');
  holding.next();
  try {
    body();
  } finally {
    holding.return?.();
  }
}

/** Holding one means: you are inside a transaction and may write. It is dead once the transaction has ended. */
export class Tx extends Db {
  /** Runs one INSERT, UPDATE or DELETE. */
  run(sql: string, ...values: SqlValue[]): { changes: number; lastInsertRowid: number } {
    const result = this.statement(sql).run(...(values as SQLInputValue[]));
    return { changes: Number(result.changes), lastInsertRowid: Number(result.lastInsertRowid) };
  }

  /** Runs DDL of a migration: several statements, no parameters. */
  exec(sql: string): void {
    this.connection.exec(sql);
  }
}
