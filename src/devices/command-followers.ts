import type { DeviceRecord } from './inventory.ts';
import type { PlannedWrite } from './commands.ts';
import type { CapabilityValue, CommandOptions, CommandStage, SinkWrite, ToldCommand } from './types.ts';

type Told = (command: ToldCommand, stage: CommandStage) => void;

/** Tells what is commanded and by whom, on the turn in which it happens. Codes are told to nobody. */
export class CommandFollowers {
  readonly #followers = new Set<Told>();

  /** See `Commands.follow`. */
  follow(told: Told): Disposable {
    // A function of its own, so that one that follows twice leaves twice.
    const follower: Told = (command, stage) => told(command, stage);
    this.#followers.add(follower);
    return { [Symbol.dispose]: () => this.#followers.delete(follower) };
  }

  /**
   * Tells that the writes are about to be sent, sends them, and tells how that went.
   * @throws what `send` throws.
   */
  async around(
    device: DeviceRecord,
    planned: readonly PlannedWrite[],
    { origin, by, nowMs }: Pick<CommandOptions, 'origin' | 'by'> & { readonly nowMs: number },
    send: () => Promise<void>,
  ): Promise<void> {
    const hasCodes = device.capabilities.some(({ kind }) => kind === 'locked' || kind === 'alarm');
    const commands = planned.map(({ record, write }): ToldCommand => ({
      entityId: device.row.entityId,
      capability: record.name,
      kind: write.kind,
      value: toldValue(write, hasCodes),
      origin,
      by: by ?? null,
      timestampMs: nowMs,
    }));
    this.#tell(commands, 'sending');
    try {
      await send();
    } catch (error) {
      this.#tell(commands, 'failed');
      throw error;
    }
    this.#tell(commands, 'sent');
  }

  #tell(commands: readonly ToldCommand[], stage: CommandStage): void {
    for (const follower of this.#followers) for (const command of commands) follower(command, stage);
  }
}

/** A lock's settings are free texts and numbers, which may be its codes. */
function toldValue({ kind, value }: SinkWrite, hasCodes: boolean): CapabilityValue {
  if (kind === 'text' || (hasCodes && kind === 'number')) return null;
  return typeof value === 'object' && 'command' in value ? value.command : value;
}
