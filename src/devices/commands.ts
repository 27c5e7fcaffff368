import type { CapabilityRecord, DeviceRecord } from './inventory.ts';
import type {
  CapabilityValue,
  CommandOptions,
  CommandSink,
  CommandStage,
  CommandStatus,
  SinkWrite,
  ToldCommand,
} from './types.ts';

import { HubError } from '../base/errors.ts';
import { CommandBatches } from './command-batches.ts';
import { CommandFollowers } from './command-followers.ts';
import { confirms, isConfirmable } from './values.ts';

/** A checked write and the capability it is for. */
export interface PlannedWrite {
  readonly record: CapabilityRecord;
  readonly write: SinkWrite;
}

/** Sends checked writes to the devices and watches for the reports that show they were carried out. */
export class Commands {
  readonly #pending = new Set<Confirmation>();
  readonly #batches = new CommandBatches();
  readonly #followers = new CommandFollowers();
  #sink: CommandSink | undefined;

  /** Sets where commands go; without it every command fails as unavailable. */
  connect(sink: CommandSink): void {
    this.#sink = sink;
  }

  async send(
    device: DeviceRecord,
    planned: readonly PlannedWrite[],
    options: Pick<CommandOptions, 'origin' | 'by' | 'confirmWithinMs'>,
    nowMs: number,
  ): Promise<CommandStatus> {
    const { origin, confirmWithinMs } = options;
    const sink = this.#sink;
    if (!sink) throw new HubError('unavailable', 'No device can be reached: MQTT is switched off.');
    const told = planned.filter(({ write }) => isConfirmable(write));
    const confirmation =
      confirmWithinMs > 0 && told.length > 0 ? this.#expect(told, confirmWithinMs) : undefined;
    try {
      // One component after the other: a lamp's switch and its colour are often two of them.
      for (const component of device.components) {
        const own = planned.filter(({ record }) => record.component === component);
        if (own.length === 0) continue;
        const writes = own.map(({ write }) => write);
        const { id } = component.description;
        await this.#followers.around(device, own, { ...options, nowMs }, async () => {
          await this.#batches.send(sink, id, writes, origin);
        });
      }
    } catch (error) {
      confirmation?.cancel();
      throw error;
    }
    return (await confirmation?.result) ?? 'sent';
  }

  /** `told` is called with every value at each stage of its way; it must not throw. */
  follow(told: (command: ToldCommand, stage: CommandStage) => void): Disposable {
    return this.#followers.follow(told);
  }

  /** The sentence for a device that cannot be reached. */
  unavailable(name: string, { components }: DeviceRecord): HubError {
    const [reason] = components.flatMap(
      ({ description, withdrawnAtMs }) =>
        (withdrawnAtMs === null ? this.#sink?.whyUnavailable?.(description.id) : null) ?? [],
    );
    const why = reason === undefined ? 'check its power and network' : reason;
    return new HubError('unavailable', `${name} cannot be reached at the moment: ${why}.`);
  }

  /** To be called with every report, before it is compared with the present value. */
  noteReport(record: CapabilityRecord, value: CapabilityValue): void {
    for (const confirmation of this.#pending) confirmation.note(record, value);
  }

  /** Ends all waiting, as unconfirmed. */
  cancelAll(): void {
    this.#batches[Symbol.dispose]();
    for (const confirmation of this.#pending) confirmation.cancel();
  }

  #expect(planned: readonly PlannedWrite[], withinMs: number): Confirmation {
    const confirmation = new Confirmation(planned, withinMs, () => this.#pending.delete(confirmation));
    this.#pending.add(confirmation);
    return confirmation;
  }
}

class Confirmation {
  readonly #missing: Map<CapabilityRecord, SinkWrite>;
  readonly #timer: NodeJS.Timeout;
  readonly #settle: (status: CommandStatus) => void;
  readonly result: Promise<CommandStatus>;

  constructor(planned: readonly PlannedWrite[], withinMs: number, done: () => void) {
    this.#missing = new Map(planned.map(({ record, write }) => [record, write]));
    const { promise, resolve } = Promise.withResolvers<CommandStatus>();
    this.result = promise;
    this.#settle = (status) => {
      clearTimeout(this.#timer);
      done();
      resolve(status);
    };
    this.#timer = setTimeout(() => this.#settle('unconfirmed'), withinMs);
  }

  note(record: CapabilityRecord, value: CapabilityValue): void {
    const wanted = this.#missing.get(record);
    if (!wanted || !confirms(wanted.kind, wanted.value, value)) return;
    this.#missing.delete(record);
    if (this.#missing.size === 0) this.#settle('confirmed');
  }

  cancel(): void {
    this.#settle('unconfirmed');
  }
}
