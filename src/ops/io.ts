/** What a command needs of the process that runs it. */
export interface CommandIo {
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** A folder on a disk with room for a copy of what is imported; it exists. */
  readonly scratchFolder: string;
  /** Tells a person how far it is, again and again; does nothing where nobody watches. */
  readonly progress: (text: string) => void;
  /** Aborted when the person has enough of it. */
  readonly signal: AbortSignal;
}

/** Writes to a stream, and waits where it wants that. @throws when the reader has gone. */
export async function writeAll(stream: NodeJS.WritableStream, piece: Uint8Array | string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // The callback comes when the piece is on its way, or could not be sent.
  stream.write(piece, (error) => (error ? reject(error) : resolve()));
  await promise;
}

/** 1234567 as `1,234,567`. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** A number of things in words: `1 thing`, `2 things`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** Bytes as `12 bytes`, `3.4 kB`, `5.6 MB`, `7.8 GB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1000) return counted(bytes, 'byte');
  if (bytes < 1_000_000) return `${(bytes / 1000).toFixed(1)} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
