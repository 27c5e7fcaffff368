import type { AccessoriesPart } from '../accessories/types.ts';
import type { JsonObject } from '../base/json.ts';
import type { Devices } from '../devices/devices.ts';
import type { Capability, ComponentView, DeviceView } from '../devices/types.ts';
import type { HomekitPart } from '../homekit/types.ts';
import type { Heard, MqttInspector, MqttProblem, SniffOptions, SniffReport } from '../mqtt/types.ts';

import { toIso } from '../base/clock.ts';
import { HubError } from '../base/errors.ts';

export interface DiagnosisOptions {
  readonly devices: Pick<Devices, 'list' | 'view'> & { components(): readonly ComponentView[] };
  /** Null where it is off. */
  readonly mqtt: MqttInspector | null;
  /** Null where it is off. */
  readonly accessories?: Pick<AccessoriesPart, 'explain' | 'whyUnavailable'> | null;
  /** Null where it is off. */
  readonly homekit: Pick<HomekitPart, 'shows' | 'whyHidden'> | null;
}

interface DeviceRef {
  readonly entity_id: string;
  readonly name: string;
}

/** Joins what the parts know about one device, for a person who wonders why something does not work. */
export class Diagnosis {
  readonly #options: DiagnosisOptions;

  constructor(options: DiagnosisOptions) {
    this.#options = options;
  }

  /** Whether the MQTT broker and what hangs on it can be reached, one line for each cause. */
  mqtt(): JsonObject {
    const { mqtt } = this.#options;
    if (!mqtt) {
      return {
        mode: 'off',
        url: null,
        connected: false,
        since: null,
        components: 0,
        unsupported: 0,
        problems: [],
      };
    }
    const { mode, url, connected, sinceMs, components, problems } = mqtt.status();
    const refs = this.#refs();
    return {
      mode,
      url,
      connected,
      since: toIso(sinceMs),
      components: components.total,
      unsupported: components.unsupported,
      problems: problems.map((problem) => problemBody(problem, refs)),
    };
  }

  /** The devices, by name, with their present state. */
  list(): JsonObject[] {
    return this.#options.devices.list().map(({ entityId, name, model, available, values }) => ({
      entity_id: entityId,
      name,
      model,
      available,
      values: Object.fromEntries(
        [...values].map(([capability, { value, unit }]) => [capability, { value, unit }]),
      ),
    }));
  }

  /** The device of this id or name, in any case. @throws HubError `not_found`, `invalid` where several have the name. */
  find(idOrName: string): string {
    const wanted = idOrName.toLocaleLowerCase();
    const all = this.#options.devices.list();
    const byId = all.find(({ entityId }) => entityId === idOrName);
    if (byId) return byId.entityId;
    const named = all.filter(({ name }) => name.toLocaleLowerCase() === wanted);
    const [found, ...others] = named;
    if (!found) throw new HubError('not_found', `There is no device "${idOrName.slice(0, 128)}".`);
    if (others.length === 0) return found.entityId;
    const ids = named.map(({ entityId }) => entityId).join(', ');
    throw new HubError('invalid', `${named.length} devices have this name; ask by id: ${ids}.`);
  }

  /** Where each value of a device comes from. @throws HubError `not_found`. */
  explain(entityId: string): JsonObject {
    const { devices, mqtt, accessories } = this.#options;
    const view = devices.view(entityId);
    if (!view) throw new HubError('not_found', `There is no device ${entityId.slice(0, 128)}.`);
    const components = devices.components().filter((component) => component.entityId === entityId);
    const reasons = view.available
      ? []
      : components.map(({ id }) => accessories?.whyUnavailable(id) ?? mqtt?.whyUnavailable(id) ?? null);
    return {
      entity_id: entityId,
      name: view.name,
      available: view.available,
      unavailable_because: reasons.find((reason) => reason !== null) ?? null,
      components: components.map((component) => this.#explainComponent(component, view)),
    };
  }

  /** Descriptions that the broker keeps while nothing was heard of their devices for so long. */
  ghosts(silentHours: number): JsonObject[] {
    const refs = this.#refs();
    return this.#running()
      .ghosts(silentHours)
      .map(({ topic, componentIds, announcedMs, lastHeardMs }) => ({
        topic,
        device: componentIds.map((id) => refs.get(id)).find((ref) => ref !== undefined) ?? null,
        components: componentIds,
        announced_at: toIso(announcedMs),
        last_heard_at: isoOrNull(lastHeardMs),
      }));
  }

  /** See MqttInspector. */
  clearGhosts(topics: readonly string[]): void {
    this.#running().clear(topics);
  }

  /** See MqttInspector. */
  async sniff(options: SniffOptions): Promise<SniffReport> {
    return await this.#running().sniff(options);
  }

  #running(): MqttInspector {
    const { mqtt } = this.#options;
    if (!mqtt) throw new HubError('conflict', 'MQTT is switched off: mqtt.mode is "off".');
    return mqtt;
  }

  #explainComponent(component: ComponentView, view: DeviceView): JsonObject {
    const { mqtt, accessories } = this.#options;
    const origin = accessories?.explain(component.id) ?? mqtt?.explain(component.id);
    return {
      id: component.id,
      type: component.type,
      source: origin?.source ?? null,
      announced_on: origin?.announcedOn ?? null,
      unsupported: component.unsupported,
      withdrawn_at: isoOrNull(component.withdrawnAtMs),
      availability: (origin?.availability ?? []).map(({ topic, available, sinceMs }) => ({
        topic,
        available,
        since: isoOrNull(sinceMs),
      })),
      last_message: heardBody(origin?.lastHeard ?? null),
      last_failure: origin?.lastFailure
        ? { ...heardBody(origin.lastFailure), reason: origin.lastFailure.reason }
        : null,
      capabilities: view.capabilities
        .filter((capability) => capability.component === component.firstId)
        .map((capability) => ({
          ...this.#explainCapability(capability, view),
          from: (origin?.values ?? [])
            .filter(({ kind }) => kind === capability.kind)
            .map(({ topic, template }) => ({ topic, template })),
        })),
    };
  }

  #explainCapability(capability: Capability, { entityId, values }: DeviceView): JsonObject {
    const state = values.get(capability.name);
    const shownAs = this.#shownAs(entityId, capability.name);
    return {
      name: capability.name,
      value: state?.value ?? null,
      unit: state?.unit ?? null,
      raw: state?.raw ?? null,
      reported_at: isoOrNull(state?.timestampMs ?? null),
      homekit: shownAs,
      not_in_homekit: shownAs.length > 0 ? null : this.#whyHidden(capability, entityId),
    };
  }

  #shownAs(entityId: string, name: string): string[] {
    return (this.#options.homekit?.shows(entityId) ?? []).flatMap(({ service, characteristics }) =>
      characteristics
        .filter(({ capability }) => capability === name)
        .map(({ characteristic }) => `${service} ${characteristic}`),
    );
  }

  #whyHidden(capability: Capability, entityId: string): string {
    const { homekit, devices } = this.#options;
    if (devices.view(entityId)?.source === 'homekit') {
      return 'It is a HomeKit accessory itself: shown again, a home that has it in Apple Home would have it twice.';
    }
    if (!homekit) return 'HomeKit is switched off.';
    if (capability.category !== null) return 'Settings and diagnostics stay out of Apple Home.';
    if (!capability.enabled_by_default) return 'Its publisher asks for it to be off by default.';
    const isShown = homekit.shows(entityId).length > 0;
    return (isShown ? null : homekit.whyHidden(entityId)) ?? 'Apple Home has nothing that shows it.';
  }

  /** Which device each component belongs to. */
  #refs(): Map<string, DeviceRef> {
    const { devices } = this.#options;
    const names = new Map(devices.list().map(({ entityId, name }) => [entityId, name]));
    const refs = new Map<string, DeviceRef>();
    for (const { id, entityId } of devices.components()) {
      const name = names.get(entityId);
      if (name !== undefined) refs.set(id, { entity_id: entityId, name });
    }
    return refs;
  }
}

function problemBody(
  { kind, topic, sinceMs, componentIds }: MqttProblem,
  refs: ReadonlyMap<string, DeviceRef>,
): JsonObject {
  const affected = new Map<string, DeviceRef>();
  for (const id of componentIds) {
    const ref = refs.get(id);
    if (ref) affected.set(ref.entity_id, ref);
  }
  const [only] = affected.values();
  const message =
    kind === 'broker_unreachable'
      ? 'The MQTT broker cannot be reached. Check that it runs, and its address.'
      : affected.size === 1
        ? `${only?.name} is offline.`
        : `${topic?.split('/', 1)[0]} is offline, and ${affected.size} devices with it.`;
  return {
    kind,
    message,
    topic,
    since: isoOrNull(sinceMs),
    devices: [...affected.values()].map((ref) => ({ ...ref })),
  };
}

function heardBody(heard: Heard | null): JsonObject | null {
  if (!heard) return null;
  const { atMs, topic, payload, retained } = heard;
  return { at: toIso(atMs), topic, payload, retained };
}

function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : toIso(ms);
}
