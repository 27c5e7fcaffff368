export type { HealthSources } from './health/health-checks.ts';
export type { BackupHealth } from './health/types.ts';

/** `history` is every version there is; `current` is what holds now: things that are not deleted, and open edges. */
export type ExportMode = 'history' | 'current';

/** What an export wrote. */
export interface ExportSummary {
  /** Versions of entities, not entities: in `current` mode there is one of each. */
  readonly entities: number;
  readonly relationships: number;
  /** Hex SHA-256 over all bytes before the last line. */
  readonly sha256: string;
}

/** Something that an import has to tell, how often it was met, and a few of the places. */
export interface Finding {
  readonly what: string;
  readonly count: number;
  readonly examples: readonly string[];
}

/** What became of every record of an import. Its keys are those of `--json`. */
export interface ImportReport {
  /** True when nothing was written: the numbers say what would have been. */
  readonly dry_run: boolean;
  readonly taken: {
    /** Ids that the hub had never met. */
    readonly entities: number;
    /** Versions of entities, those that were kept beside included. */
    readonly versions: number;
    /** Versions of relationships. */
    readonly relationships: number;
  };
  /** Versions that the hub held already; an import can be repeated. */
  readonly held: number;
  /** Versions that the file holds as the state, where the hub has gone another way: kept and readable, not current. */
  readonly kept_beside: Omit<Finding, 'what'>;
  /** Edges that were ended because an end is deleted, or their thing is in another place. */
  readonly ended: number;
  readonly folded: readonly Finding[];
  readonly refused: readonly Finding[];
  readonly warnings: readonly Finding[];
}

export interface ImportOptions {
  readonly dryRun: boolean;
  /** Aborted when whoever asked has gone. */
  readonly signal?: AbortSignal;
}

export interface SeedOptions extends ImportOptions {
  /** Seed a home that has things of its own, too. */
  readonly force: boolean;
}

/** A home whose graph can be carried in and out: the running hub's, by way of its socket, or the file's own. */
export interface Home {
  /** Hands the export over in pieces, each after the one before was taken. */
  export(
    mode: ExportMode,
    write: (piece: Uint8Array) => Promise<void>,
    signal?: AbortSignal,
  ): Promise<ExportSummary>;
  /** Takes the lines of a file that was verified before (see `verify.ts`). */
  import(lines: AsyncIterable<string>, options: ImportOptions): Promise<ImportReport>;
  seed(options: SeedOptions): Promise<ImportReport>;
}
