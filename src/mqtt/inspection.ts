import type { Clock } from '../base/clock.ts';
import type { LiveComponent } from './component.ts';
import type { Discovery } from './discovery/discovery.ts';
import type { Router } from './router.ts';
import type { MqttLink } from './types.ts';
import type {
  ComponentOrigin,
  Ghost,
  MqttInspector,
  MqttProblem,
  MqttStatus,
  SniffOptions,
  SniffReport,
} from './types.ts';

import { HubError } from '../base/errors.ts';
import { Sniffer } from './sniffer.ts';

export interface InspectionOptions {
  readonly mode: 'embedded' | 'external';
  readonly url: () => string;
  readonly link: () => MqttLink | undefined;
  readonly router: Router;
  readonly discovery: Discovery;
  readonly clock: Clock;
}

const HOUR_MS = 3600_000;

/** Answers what a person asks about MQTT: where a value comes from, what is wrong, what nobody understood. */
export class Inspection implements MqttInspector {
  readonly #options: InspectionOptions;
  #linkChangedMs: number;
  #isSniffing = false;

  constructor(options: InspectionOptions) {
    this.#options = options;
    this.#linkChangedMs = options.clock.nowMs();
  }

  /** To be called when the broker came or went. */
  noteLink(): void {
    this.#linkChangedMs = this.#options.clock.nowMs();
  }

  status(): MqttStatus {
    const { mode, url, discovery } = this.#options;
    const components = { total: 0, unsupported: 0 };
    for (const { codec } of discovery.components()) {
      components.total += 1;
      if (!codec) components.unsupported += 1;
    }
    return {
      mode,
      url: url(),
      connected: this.#isConnected,
      sinceMs: this.#linkChangedMs,
      components,
      problems: this.#problems(),
    };
  }

  counters(): { received: number; failed: number } {
    return { ...this.#options.router.counters };
  }

  explain(componentId: string): ComponentOrigin | undefined {
    const component = this.#options.discovery.find(componentId);
    const announced = this.#options.discovery.announcementOf(componentId);
    if (!component || !announced) return undefined;
    const { codec, availability, lastHeard, lastFailure } = component;
    return {
      componentId,
      source: announced.source,
      announcedOn: announced.key,
      topics: codec?.topics ?? [],
      values: codec?.sources ?? [],
      availability: availability.words,
      lastHeard,
      lastFailure,
    };
  }

  /** Why a component cannot be reached, as the end of a sentence; null where nothing is known. */
  whyUnavailable(componentId: string): string | null {
    if (!this.#isConnected) return 'the MQTT broker cannot be reached';
    const component = this.#options.discovery.find(componentId);
    if (!component) return 'it has not announced itself on MQTT since the hub started';
    const word = component.availability.words.find(({ available }) => available !== true);
    if (!word) return null;
    return word.available === false
      ? `${word.topic} says that it is offline`
      : `nothing has come on ${word.topic}, where it would say that it is there`;
  }

  ghosts(silentHours: number): Ghost[] {
    const { discovery, clock } = this.#options;
    const before = clock.nowMs() - silentHours * HOUR_MS;
    const heardSince = silentHours === 0 ? 0 : before;
    const ghosts: Ghost[] = [];
    for (const { topic, ids, sinceMs } of discovery.announcements()) {
      if (sinceMs > before) continue;
      const components = ids.flatMap((id) => discovery.find(id) ?? []);
      if (components.length === 0 || components.some((component) => isAlive(component, heardSince))) continue;
      const heard = components.flatMap(({ lastHeard }) => lastHeard?.atMs ?? []);
      ghosts.push({
        topic,
        componentIds: ids,
        announcedMs: sinceMs,
        lastHeardMs: heard.length > 0 ? Math.max(...heard) : null,
      });
    }
    return ghosts;
  }

  clear(topics: readonly string[]): void {
    const { discovery, link } = this.#options;
    const known = new Set([...discovery.announcements()].map(({ topic }) => topic));
    const unknown = topics.find((topic) => !known.has(topic));
    if (unknown !== undefined) {
      throw new HubError('not_found', `Nothing is announced on "${unknown.slice(0, 200)}".`, {
        field: 'topics',
      });
    }
    const broker = link();
    if (!broker?.connected)
      throw new HubError('unavailable', 'The MQTT broker cannot be reached at the moment.');
    for (const topic of topics) broker.publish({ topic, payload: '', qos: 1, retain: true });
  }

  async sniff(options: SniffOptions): Promise<SniffReport> {
    if (this.#isSniffing)
      throw new HubError('conflict', 'Somebody is listening already; try again in a minute.');
    const { router, discovery, clock, mode } = this.#options;
    this.#isSniffing = true;
    try {
      using sniffer = new Sniffer({ router, discovery, clock, everything: mode === 'external' });
      await sniffer.listen(options);
      return sniffer.report();
    } finally {
      this.#isSniffing = false;
    }
  }

  get #isConnected(): boolean {
    return this.#options.link()?.connected ?? false;
  }

  /** One dead bridge is one problem, however many devices hang on it. */
  #problems(): MqttProblem[] {
    if (!this.#isConnected) {
      return [{ kind: 'broker_unreachable', topic: null, sinceMs: this.#linkChangedMs, componentIds: [] }];
    }
    const byTopic = new Map<string, { sinceMs: number | null; ids: string[] }>();
    for (const { id, availability } of this.#options.discovery.components()) {
      if (availability.current !== false) continue;
      for (const { topic, available, sinceMs } of availability.words) {
        if (available !== false) continue;
        const problem = byTopic.get(topic) ?? { sinceMs, ids: [] };
        problem.ids.push(id);
        byTopic.set(topic, problem);
      }
    }
    return [...byTopic].map(([topic, { sinceMs, ids }]) => ({
      kind: 'offline',
      topic,
      sinceMs,
      componentIds: ids,
    }));
  }
}

/** Something that was not merely kept by the broker came of it, or it says that it is there. */
function isAlive({ availability, lastHeard }: LiveComponent, beforeMs: number): boolean {
  if (availability.topics.length > 0 && availability.current === true) return true;
  return lastHeard !== null && !lastHeard.retained && lastHeard.atMs >= beforeMs;
}
