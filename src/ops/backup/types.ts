import * as z from 'zod';

/** What stands in the first file of a backup, `manifest.json`. */
export const manifestSchema = z.object({
  format: z.literal(1),
  hub_version: z.string().max(100),
  /** RFC 3339, by the clock of the hub. */
  created_at: z.iso.datetime(),
  home_name: z.string().max(200),
  node_id: z.string().max(100),
  /** The life of the graph that it was made in; a restore begins another one. */
  epoch: z.string().max(100).nullable(),
  /** By owner, how many steps its tables had gone through. */
  schema_versions: z.record(z.string(), z.int().min(0)),
  /** Entities in the database, the deleted ones included. */
  entities: z.int().min(0),
  /** The file as a whole is encrypted with a passphrase. */
  encrypted: z.boolean(),
  /** Secrets in it are sealed: the restored hub starts with the same `secrets.passphrase` only. */
  sealed: z.boolean(),
  files: z
    .array(
      z.object({
        name: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/),
        size: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(200),
  /** Files of the data folder that were too large to be the hub's, and are not in it. */
  left_out: z.array(z.string()).max(1000),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const MANIFEST = 'manifest.json';
/** The name of the database in every backup. */
export const DATABASE = 'funkygibbon.db';
/** The name of the configuration file in every backup, whatever it was called. */
export const CONFIGURATION = 'hub.yaml';

/** Who wanted a backup. Those of the schedule are not pushed out by those made by hand. */
export type BackupOrigin = 'schedule' | 'hand';

/** One backup in one place, as it is noted. Times are ms since the Unix epoch. */
export interface BackupRow {
  /** Grows; the order in which they were made, whatever the clock said. */
  readonly id: number;
  /** The folder as an absolute path, or `s3://bucket/prefix`. */
  readonly place: string;
  /** Of the file. */
  readonly name: string;
  readonly origin: BackupOrigin;
  readonly createdMs: number;
  readonly sizeBytes: number;
  /** Lower-case hex, of the whole file. */
  readonly sha256: string;
  readonly encrypted: boolean;
  readonly entities: number;
  /** When it was last read in full and found good. */
  readonly verifiedMs: number;
  /** What was found wrong since then; null where nothing was. */
  readonly problem: string | null;
}

/** A backup as people see it. */
export interface BackupView extends Omit<BackupRow, 'id'> {
  /** The whole path. */
  readonly path: string;
  /** The file is not there: deleted by hand, or its disk is not attached. */
  readonly missing: boolean;
  /** Where else it is, as `s3://bucket/key`. */
  readonly copies: readonly string[];
}

export interface S3Settings {
  /** `https://host[:port]`, without the bucket. */
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Before the name of each file; empty, or ends with `/`. */
  readonly prefix: string;
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface BackupSettings {
  readonly directory: string;
  /** The folder lies in the data folder and is made by the hub itself. */
  readonly isOwnFolder: boolean;
  /** How many of the schedule are kept in each place, and as many that were made by hand. */
  readonly keep: number;
  /** Days after which one goes even so; null for never. */
  readonly keepDays: number | null;
  /** Refuses a folder on the disk of the system, or of the data. */
  readonly requireMount: boolean;
  readonly passphrase: string | null;
  readonly s3: S3Settings | null;
}

/** Queues an upload, durably; see `JobQueue`. */
export interface UploadQueue {
  enqueue(name: string): Promise<void>;
}

export interface CreateOptions {
  readonly origin: BackupOrigin;
  /** Another folder than the configured one, as an absolute path. */
  readonly folder?: string | undefined;
  /** Another passphrase than the configured one. */
  readonly passphrase?: string | undefined;
  readonly signal?: AbortSignal;
  /** Told again and again, for a person. */
  readonly progress?: (text: string) => void;
}

/** How backups stand, for whoever watches the hub. Times are ms since the Unix epoch. */
export interface BackupHealth {
  /** False where the schedule failed last, or no good backup is younger than twice the time between two of them. */
  readonly ok: boolean;
  readonly enabled: boolean;
  readonly lastGoodMs: number | null;
  readonly lastGoodBytes: number | null;
  /** What failed last; null once one has succeeded since. */
  readonly lastError: string | null;
  readonly lastErrorMs: number | null;
  readonly nextMs: number | null;
  /** The longest time between two of the schedule. */
  readonly dueEveryMs: number;
  readonly destinations: readonly {
    readonly place: string;
    /** Good ones that are noted there. */
    readonly backups: number;
    readonly lastGoodMs: number | null;
  }[];
}

/** What doors ask of the backups. */
export interface BackupDirectory {
  /** Newest first. */
  list(): Promise<readonly BackupView[]>;
  /** @throws HubError `not_found`. */
  get(name: string): Promise<BackupView>;
  /**
   * Makes a backup, reads it again in full, and only then gives it its name.
   * @throws HubError `conflict` while another is made, `storage_full`, `storage`, `invalid`; the reason of the signal.
   */
  create(options: CreateOptions): Promise<BackupView>;
  /**
   * Reads one in full again; what was found wrong stays noted.
   * @throws HubError `not_found`, `invalid` saying what is wrong with it.
   */
  verify(name: string, signal?: AbortSignal): Promise<BackupView>;
  /** Deletes the file; copies elsewhere stay. @throws HubError `not_found`, `storage`. */
  delete(name: string): Promise<void>;
  /** @throws HubError `not_found`. */
  open(name: string): Promise<{ readonly view: BackupView; readonly bytes: AsyncIterable<Uint8Array> }>;
  health(): BackupHealth;
}
