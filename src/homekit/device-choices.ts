import type { DeviceView } from '../devices/types.ts';
import type { BridgedDevices } from './bridged-devices.ts';
import type { Bridges } from './bridges.ts';
import type { DeviceChoice, DevicePlace, HiddenDevice, HomekitOptions, KeptDevice } from './types.ts';

import { HubError } from '../base/errors.ts';
import { invertedParts, partsOf } from './device-parts.ts';
import { readExcluded, readPlaces, readRememberedServices } from './reader.ts';
import { rememberedByEntity, type Remembered } from './remembered.ts';
import { heldPlaces, MAX_ACCESSORIES } from './rules.ts';
import { forgetTiles, writeExcluded, writeInversion, writePlace } from './writer.ts';

type Options = Pick<HomekitOptions, 'store' | 'devices' | 'clock' | 'log'>;

/** What a person decides about single devices, and what is not in Apple Home for whatever reason. */
export class DeviceChoices {
  readonly #bridges: Bridges;
  readonly #shown: BridgedDevices;
  readonly #options: Options;

  constructor(bridges: Bridges, shown: BridgedDevices, options: Options) {
    this.#bridges = bridges;
    this.#shown = shown;
    this.#options = options;
  }

  /** See HomekitPart. */
  async choose(entityId: string, choice: DeviceChoice): Promise<DevicePlace> {
    const { store, devices, clock, log } = this.#options;
    const view = devices.view(entityId);
    if (!view) throw new HubError('not_found', `There is no device ${entityId.slice(0, 128)}.`);
    const before = this.#placeOf(view);
    const excluded = choice.excluded ?? before.excluded;
    const bridge = choice.alone ? this.#bridgeAlone(before) : (choice.bridge ?? before.bridge);
    const isMoved = choice.alone === true ? !before.alone : bridge !== before.bridge;
    if (isMoved && bridge !== null) this.#checkRoom(bridge, choice.alone === true);
    const inverted = invertedParts(before.parts, choice);
    const isRenewed = choice.renew === true && before.parts.some((part) => part.announcedService !== null);
    const loss = this.#lossBy(view, excluded, isMoved, isRenewed);
    if (loss !== null && choice.confirm !== true) {
      throw new HubError('conflict', `${loss} Confirm it to go on ("confirm": true, or --confirm).`);
    }
    const target = isMoved ? this.#bridgeFor(bridge, choice.alone === true) : null;
    store.write((tx) => {
      writeExcluded(tx, entityId, excluded, clock.nowMs());
      if (target !== null) writePlace(tx, entityId, target, clock.nowMs());
      if (isRenewed) forgetTiles(tx, entityId);
      for (const [component, inversion] of inverted) writeInversion(tx, entityId, component, inversion);
    });
    this.#shown.restructure();
    await store.durable();
    const after = this.#placeOf(view);
    log.info(
      { entityId, excluded, bridge: after.bridge, parts: after.parts },
      'a person chose how Apple Home shows a device',
    );
    return after;
  }

  /** See HomekitPart. */
  lossByRemoval(entityId: string): string | null {
    const view = this.#options.devices.view(entityId);
    return view ? this.#lossBy(view, true, false, false) : null;
  }

  kept(): KeptDevice[] {
    const { store, devices } = this.#options;
    const remembered = rememberedByEntity(readRememberedServices(store.db));
    return devices.list().flatMap((view) => {
      const { entityId, name } = view;
      const parts = partsOf(view, remembered.get(entityId)).filter((part) => part.announcedService !== null);
      return parts.length > 0 ? [{ entityId, name, parts }] : [];
    });
  }

  hidden(): HiddenDevice[] {
    return this.#options.devices.list().flatMap(({ entityId, name }) => {
      const reason = this.whyHidden(entityId);
      return reason === null ? [] : [{ entityId, name, reason }];
    });
  }

  whyHidden(entityId: string): string | null {
    const { store } = this.#options;
    const number = this.#shown.bridgeOf(entityId);
    if (number === undefined) {
      return readExcluded(store.db).has(entityId)
        ? 'A person keeps it out of Apple Home.'
        : 'It has nothing that Apple Home could show.';
    }
    const bridge = this.#bridges.at(number);
    if (bridge.problem !== null) return `Its bridge "${bridge.name}" does not run: ${bridge.problem}`;
    const isForgotten = !bridge.paired && this.#bridges.all.some(({ paired }) => paired);
    return isForgotten
      ? `Its bridge "${bridge.name}" is not in Apple Home yet: add it with the code that \`funkygibbon homekit\` shows.`
      : null;
  }

  #placeOf(view: DeviceView): DevicePlace {
    const { entityId } = view;
    const { store } = this.#options;
    const place = readPlaces(store.db).get(entityId);
    return {
      entityId,
      excluded: readExcluded(store.db).has(entityId),
      bridge: place?.bridge ?? null,
      alone: place !== undefined && this.#bridges.reserved.has(place.bridge),
      shown: this.#shown.bridgeOf(entityId) !== undefined,
      parts: partsOf(view, this.#rememberedOf(entityId)),
    };
  }

  #rememberedOf(entityId: string): Remembered | undefined {
    return rememberedByEntity(readRememberedServices(this.#options.store.db)).get(entityId);
  }

  /** What Apple Home forgets by it, or null. On a bridge that nobody paired there is nothing to lose. */
  #lossBy(
    { entityId, name }: DeviceView,
    excluded: boolean,
    isMoved: boolean,
    isRenewed: boolean,
  ): string | null {
    const number = this.#shown.bridgeOf(entityId);
    if (number === undefined || !this.#bridges.at(number).paired) return null;
    if (excluded) {
      return `Apple Home forgets the room, the names and the automations of "${name}" when it is taken out, and has to be told them again should it come back.`;
    }
    if (isMoved) {
      return `On another bridge "${name}" is a new accessory to Apple Home: its room, its names and its automations there are lost.`;
    }
    return isRenewed
      ? `What is shown of "${name}" as something else is new to Apple Home: its name and its automations there are lost.`
      : null;
  }

  /** The bridge that it has for itself, or one that was made for that and stands empty; null for a new one. */
  #bridgeAlone({ bridge }: DevicePlace): number | null {
    const { reserved } = this.#bridges;
    if (bridge !== null && reserved.has(bridge)) return bridge;
    const held = heldPlaces(readPlaces(this.#options.store.db));
    return [...reserved].find((number) => !held.has(number) && !this.#bridges.at(number).paired) ?? null;
  }

  /** Made where it is not there yet. */
  #bridgeFor(bridge: number | null, isAlone: boolean): number {
    return bridge === null ? this.#bridges.make(isAlone).number : this.#bridges.at(bridge).number;
  }

  /** @throws HubError `invalid` for a bridge that is too far away, `conflict` for one that is full or not for everybody. */
  #checkRoom(bridge: number, isAlone: boolean): void {
    const { reserved } = this.#bridges;
    const { length } = this.#bridges.all;
    if (reserved.has(bridge) && !isAlone) {
      throw new HubError('conflict', `Bridge ${bridge} is for one device alone. Choose another.`);
    }
    if (bridge > length + 1) {
      throw new HubError(
        'invalid',
        `The bridges are numbered up to ${length}; ${length + 1} makes a further one.`,
        {
          field: 'bridge',
        },
      );
    }
    const held = heldPlaces(readPlaces(this.#options.store.db)).get(bridge) ?? 0;
    if (held < MAX_ACCESSORIES) return;
    throw new HubError(
      'conflict',
      `Bridge ${bridge} is full: Apple Home takes ${MAX_ACCESSORIES} accessories.`,
    );
  }
}
