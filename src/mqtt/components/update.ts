import type { CapabilityValue, SinkWrite } from '../../devices/types.ts';
import type { Message } from '../message.ts';
import type { Codec, Command, Reading } from './codec.ts';
import type { Templates } from './templates.ts';

import { HubError } from '../../base/errors.ts';
import { LIMITS } from '../limits.ts';
import { findWrite, isString } from './codec.ts';
import { ConfigProblem, readFlag, readQos, readText, toText, type Config } from './fields.ts';
import { toJsonObject } from './json-text.ts';
import { CommandChannel } from './parts.ts';
import { Channel, isUnknown } from './templates.ts';

/** What is known of the firmware; undefined until something was told. */
interface Firmware {
  installed?: string | null;
  latest?: string | null;
  isInstalling: boolean;
}

/**
 * Firmware and its updates, https://www.home-assistant.io/integrations/update.mqtt/.
 * @throws ConfigProblem when the configuration can't be used.
 */
export function toUpdate(config: Config, templates: Templates): Codec {
  const state = Channel.read(config, 'state_topic', ['value_template'], templates);
  const latest = Channel.read(config, 'latest_version_topic', ['latest_version_template'], templates);
  if (!state && !latest) throw new ConfigProblem('Its configuration has no state_topic.');
  const channel = CommandChannel.read(config, 'command_topic', null, templates);
  const payload = readText(config, 'payload_install');
  // Without a payload nobody knows which word the device would take for the order.
  const install = channel && payload !== null ? () => channel.message(payload) : null;
  const firmware: Firmware = { isInstalling: false };
  return {
    capabilities: [
      {
        kind: 'update',
        unit: null,
        range: null,
        writable: install !== null,
        options: ['up_to_date', 'available', 'installing'],
        ...(install ? { commands: ['install'] } : {}),
      },
      { kind: 'installed_version', unit: null, range: null, writable: false },
      { kind: 'latest_version', unit: null, range: null, writable: false },
    ],
    topics: [...new Set([state, latest].flatMap((found) => (found ? [found.topic] : [])))],
    sources: [
      ...(['update', 'installed_version', 'latest_version'] as const).flatMap((kind) =>
        state ? [{ kind, topic: state.topic, template: state.template }] : [],
      ),
      ...(['update', 'latest_version'] as const).flatMap((kind) =>
        latest ? [{ kind, topic: latest.topic, template: latest.template }] : [],
      ),
    ],
    qos: readQos(config),
    decode(message: Message): Reading[] {
      const told = [
        readState(state?.read(message), firmware),
        readLatest(latest?.read(message), firmware),
      ].filter((readings) => readings !== null);
      return told.length > 0 ? [{ kind: 'update', value: toUpdateState(firmware) }, ...told.flat()] : [];
    },
    ...(install && {
      encode(writes: readonly SinkWrite[]): Command {
        if (findWrite(writes, 'update', isString) !== 'install') {
          throw new HubError('invalid', 'An update can only be installed; it takes "install".');
        }
        return { messages: [install()], assumed: [] };
      },
    }),
  };
}

/** JSON, or the plain installed version; null where nothing of it is told. */
function readState(text: string | undefined, firmware: Firmware): Reading[] | null {
  if (text === undefined || text === '') return null;
  const object = toJsonObject(text);
  // A template that was to build an object and found nothing to put into it.
  if (!object && text.startsWith('{')) return null;
  const state: Config = object ?? { installed_version: text };
  const { installed_version: installed, latest_version: latest, update_percentage: percentage } = state;
  const readings: Reading[] = [];
  if (installed !== undefined) {
    firmware.installed = toVersion(installed);
    readings.push({ kind: 'installed_version', value: firmware.installed, raw: text });
  }
  if (latest !== undefined) {
    firmware.latest = toVersion(latest);
    readings.push({ kind: 'latest_version', value: firmware.latest, raw: text });
  }
  const { in_progress: progress } = state;
  if (percentage !== undefined) firmware.isInstalling = percentage !== null;
  // Old firmware sends the percentage here.
  if (progress !== undefined) {
    firmware.isInstalling = typeof progress === 'number' || readFlag(state, 'in_progress', false);
  }
  return readings.length > 0 || percentage !== undefined || progress !== undefined ? readings : null;
}

function readLatest(text: string | undefined, firmware: Firmware): Reading[] | null {
  if (text === undefined || text === '') return null;
  firmware.latest = toVersion(text);
  return [{ kind: 'latest_version', value: firmware.latest, raw: text }];
}

function toVersion(value: unknown): string | null {
  const text = toText(value)?.trim() ?? '';
  // Zigbee2MQTT's -1 is a version that it has not read yet.
  return isUnknown(text) || text === '-1' ? null : text.slice(0, LIMITS.textChars);
}

function toUpdateState({ installed, latest, isInstalling }: Firmware): CapabilityValue {
  if (isInstalling) return 'installing';
  if (installed == null || latest == null) return null;
  return isNewer(latest, installed) ? 'available' : 'up_to_date';
}

/** Versions of numbers are compared by them; others are texts, where a different one counts as newer. */
function isNewer(latest: string, installed: string): boolean {
  const [a, b] = [toNumbers(latest), toNumbers(installed)];
  if (!a || !b) return latest !== installed;
  for (let at = 0; at < Math.max(a.length, b.length); at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

function toNumbers(version: string): number[] | null {
  return /^v?\d{1,15}(?:\.\d{1,15}){0,9}$/i.test(version)
    ? version.replace(/^v/i, '').split('.').map(Number)
    : null;
}
