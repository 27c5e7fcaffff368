import type { CommandSink, SinkWrite } from '../devices/types.ts';

import { IMPORTED_PREFIX } from '../accessories/types.ts';
import { HubError } from '../base/errors.ts';

/** Commands go to the door that the component came by, as its id tells; a door that is off has no sink. */
export class CommandSinks implements CommandSink {
  mqtt: CommandSink | undefined;
  accessories: CommandSink | undefined;

  /** See CommandSink. */
  async send(componentId: string, writes: readonly SinkWrite[], origin: string): Promise<void> {
    const sink = this.#sinkOf(componentId);
    if (!sink) throw new HubError('unavailable', `No device can be reached: ${switchedOff(componentId)}.`);
    await sink.send(componentId, writes, origin);
  }

  /** See CommandSink. */
  whyUnavailable(componentId: string): string | null {
    const sink = this.#sinkOf(componentId);
    return sink ? (sink.whyUnavailable?.(componentId) ?? null) : switchedOff(componentId);
  }

  #sinkOf(componentId: string): CommandSink | undefined {
    return componentId.startsWith(IMPORTED_PREFIX) ? this.accessories : this.mqtt;
  }
}

function switchedOff(componentId: string): string {
  return `${componentId.startsWith(IMPORTED_PREFIX) ? 'HomeKit' : 'MQTT'} is switched off`;
}
