import type { CommandSink, SinkWrite } from '../devices/types.ts';
import type { LiveComponent } from './component.ts';
import type { MqttLink } from './types.ts';

import { HubError } from '../base/errors.ts';

/** Commands to MQTT devices, in each component's own words. */
export class MqttSink implements CommandSink {
  readonly #link: () => MqttLink | undefined;
  readonly #find: (componentId: string) => LiveComponent | undefined;

  readonly #whyUnavailable: (componentId: string) => string | null;

  constructor(
    link: () => MqttLink | undefined,
    find: (componentId: string) => LiveComponent | undefined,
    whyUnavailable: (componentId: string) => string | null,
  ) {
    this.#link = link;
    this.#find = find;
    this.#whyUnavailable = whyUnavailable;
  }

  /** See CommandSink. */
  whyUnavailable(componentId: string): string | null {
    return this.#whyUnavailable(componentId);
  }

  /** See CommandSink.send. */
  async send(componentId: string, writes: readonly SinkWrite[], origin: string): Promise<void> {
    const link = this.#link();
    if (!link) throw new HubError('unavailable', 'The hub is shutting down; try again in a moment.');
    if (!link.connected) {
      throw new HubError(
        'unavailable',
        'The MQTT broker cannot be reached at the moment; check that it runs.',
      );
    }
    const component = this.#find(componentId);
    if (!component) {
      throw new HubError('unavailable', 'The device has not announced itself on MQTT since the hub started.');
    }
    if (!component.codec?.encode) throw new HubError('invalid', 'This part of the device takes no commands.');
    const { messages, assumed } = component.codec.encode(writes);
    // Handed over on one turn, so that nothing comes between them.
    await Promise.all(messages.map(async (message) => await link.deliver(message)));
    component.assume(assumed, origin);
  }
}
