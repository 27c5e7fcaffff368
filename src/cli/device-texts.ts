import type { DeviceAsk } from './device-commands.ts';

/** A device of the list, as the API describes it. */
interface DeviceLine {
  readonly entity_id: string;
  readonly name: string;
  readonly model: string | null;
  readonly available: boolean;
  readonly values: Readonly<Record<string, { readonly value: unknown; readonly unit: string | null }>>;
}

interface Explanation {
  readonly entity_id: string;
  readonly name: string;
  readonly available: boolean;
  readonly unavailable_because: string | null;
  readonly components: readonly {
    readonly id: string;
    readonly source: string | null;
    readonly announced_on: string | null;
    readonly unsupported: string | null;
    readonly withdrawn_at: string | null;
    readonly availability: readonly { topic: string; available: boolean | null; since: string | null }[];
    readonly last_message: { at: string; topic: string; payload: string; retained: boolean } | null;
    readonly last_failure: { at: string; topic: string; payload: string; reason: string } | null;
    readonly capabilities: readonly {
      readonly name: string;
      readonly value: unknown;
      readonly unit: string | null;
      readonly raw: string | null;
      readonly reported_at: string | null;
      readonly from: readonly { topic: string; template: string | null }[];
      readonly homekit: readonly string[];
      readonly not_in_homekit: string | null;
    }[];
  }[];
}

interface MqttReply {
  readonly mode: string;
  readonly url: string | null;
  readonly connected: boolean;
  readonly since: string | null;
  readonly components: number;
  readonly unsupported: number;
  readonly problems: readonly {
    message: string;
    since: string | null;
    devices: readonly { name: string }[];
  }[];
}

interface GhostReply {
  readonly topic: string;
  readonly device: { readonly name: string } | null;
  readonly announced_at: string;
  readonly last_heard_at: string | null;
}

interface SniffReply {
  readonly seconds: number;
  readonly messages: number;
  readonly isCut: boolean;
  readonly unread: readonly { topic: string; count: number; retained: boolean; payload: string }[];
  readonly refused: readonly { topic: string; reason: string }[];
  readonly unsupported: readonly { component: string; reason: string }[];
  readonly failed: readonly { component: string; topic: string; payload: string; reason: string }[];
}

interface UserReply {
  readonly name: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  readonly enabled: boolean;
  readonly connections: number;
}

/** What the hub answered, for a person. The running hub and this command are one program: the types are its own. */
export function deviceText(ask: DeviceAsk, reply: unknown, version: string): string {
  // What a device sent must not move the cursor: it is cleaned before the lines are joined.
  return textOf(ask, printable(reply), version);
}

function textOf(ask: DeviceAsk, reply: unknown, version: string): string {
  if (ask === 'devices') return listText(reply as readonly DeviceLine[]);
  if (ask === 'explain') return explanationText(reply as Explanation);
  if (ask === 'mqtt') return statusText(reply as MqttReply);
  if (ask === 'mqtt_ghosts') return ghostsText(reply as readonly GhostReply[]);
  if (ask === 'mqtt_sniff') return sniffText(reply as SniffReply, version);
  if (ask === 'mqtt_users') return usersText(reply as readonly UserReply[]);
  if (ask === 'mqtt_user_add') {
    const { name, password } = reply as { readonly name: string; readonly password: string };
    return `${name} may connect with the password\n  ${password}\nIt is shown this once. What it may publish and hear: PATCH /api/mqtt/users/${name}.`;
  }
  if (ask === 'mqtt_user_remove') return 'Removed; its clients are disconnected.';
  const { cleared } = reply as { readonly cleared: number };
  return `${cleared} forgotten. What they described is removed in 24 hours, unless it announces itself again.`;
}

function listText(devices: readonly DeviceLine[]): string {
  if (devices.length === 0) return 'There are no devices yet. How to connect one is in the README.';
  const rows = devices.map(({ name, model, available, values, entity_id: id }) => {
    const told = Object.entries(values)
      .filter(([, { value }]) => value !== null)
      .slice(0, 4)
      .map(([capability, { value, unit }]) => `${capability} ${valueText(value, unit)}`);
    return [name, available ? '' : 'offline', model ?? '', told.join(', '), id];
  });
  return table(['DEVICE', '', 'MODEL', 'NOW', 'ID'], rows);
}

function explanationText(explanation: Explanation): string {
  const { name, available, unavailable_because: because, entity_id: id, components } = explanation;
  const lines = [
    `${name} (${id}) is ${available ? 'available' : `offline${because === null ? '' : `: ${because}`}`}`,
  ];
  for (const component of components) {
    lines.push('', `${component.id}  by ${component.source ?? 'nobody since the hub started'}`);
    const fact = (label: string, text: string): number => lines.push(`  ${label.padEnd(13)} ${text}`);
    if (component.announced_on !== null) fact('announced on', component.announced_on);
    if (component.unsupported !== null) fact('not used', component.unsupported);
    if (component.withdrawn_at !== null) fact('withdrawn', `${component.withdrawn_at}; removed a day later`);
    for (const { topic, available: word, since } of component.availability) {
      fact(
        'availability',
        `${topic}: ${word === null ? 'nothing yet' : `${word ? 'online' : 'offline'} since ${since}`}`,
      );
    }
    for (const capability of component.capabilities) {
      const { value, unit, raw, reported_at: at, from, homekit, not_in_homekit: hidden } = capability;
      lines.push(`  ${capability.name} = ${valueText(value, unit)}${at === null ? '' : `  (${at})`}`);
      if (raw !== null) lines.push(`      as sent   ${oneLine(raw)}`);
      for (const { topic, template } of from) {
        lines.push(`      from      ${topic}${template === null ? '' : `  ${oneLine(template)}`}`);
      }
      lines.push(`      HomeKit   ${homekit.length > 0 ? homekit.join(', ') : `no: ${hidden}`}`);
    }
    const { last_message: last, last_failure: failure } = component;
    if (last)
      fact(
        'last message',
        `${last.at}${last.retained ? ' (kept by the broker)' : ''}  ${last.topic}  ${oneLine(last.payload)}`,
      );
    if (failure) fact('last error', `${failure.at}  ${failure.reason}  ${oneLine(failure.payload)}`);
  }
  return lines.join('\n');
}

function statusText({ mode, url, connected, since, components, unsupported, problems }: MqttReply): string {
  if (mode === 'off') return 'MQTT is switched off (mqtt.mode).';
  const lines = [
    `MQTT ${mode} at ${url}, ${connected ? 'connected' : 'not connected'} since ${since}`,
    `${components} components${unsupported === 0 ? '' : `, ${unsupported} of them not used`}`,
  ];
  for (const problem of problems) {
    lines.push('', `! ${problem.message}${problem.since === null ? '' : ` (since ${problem.since})`}`);
    const names = problem.devices.map(({ name }) => name);
    if (names.length > 1) lines.push(`  ${names.slice(0, 20).join(', ')}${names.length > 20 ? ' …' : ''}`);
  }
  if (problems.length === 0) lines.push('Everything can be reached.');
  return lines.join('\n');
}

function ghostsText(ghosts: readonly GhostReply[]): string {
  if (ghosts.length === 0) return 'Something was heard of every device that the broker describes.';
  const rows = ghosts.map(({ topic, device, last_heard_at: heard }) => [
    device?.name ?? '',
    heard ?? 'never',
    topic,
  ]);
  return [
    table(['DEVICE', 'LAST HEARD', 'TOPIC'], rows),
    '',
    'Gone for good? funkygibbon mqtt forget TOPIC… has the broker forget them.',
  ].join('\n');
}

function usersText(users: readonly UserReply[]): string {
  if (users.length === 0)
    return 'No device has a login of its own: `funkygibbon mqtt users add NAME` makes one.';
  const rows = users.map(({ name, publish, subscribe, enabled, connections }) => [
    name,
    enabled ? String(connections) : 'disabled',
    publish.join(' '),
    subscribe.join(' '),
  ]);
  return table(['USER', 'CONNECTED', 'PUBLISHES', 'HEARS'], rows);
}

/** Markdown, to be pasted into an issue. */
function sniffText(report: SniffReply, version: string): string {
  const { seconds, messages, unread, isCut, refused, unsupported, failed } = report;
  const parts = [
    `## What FunkyGibbon ${version} did not understand`,
    `${messages} messages in ${seconds} s. What looks like a secret is replaced; look through it before you paste it.`,
  ];
  if (refused.length > 0) {
    parts.push(
      '### Descriptions that could not be used',
      list(refused.map(({ topic, reason }) => `\`${topic}\`: ${reason}`)),
    );
  }
  if (unsupported.length > 0) {
    parts.push(
      '### Kept and not used',
      list(unsupported.map(({ component, reason }) => `\`${component}\`: ${reason}`)),
    );
  }
  if (failed.length > 0) {
    const lines = failed.map(
      ({ component, topic, payload, reason }) =>
        `\`${component}\`: ${reason}\n  \`${topic}\` ${code(payload)}`,
    );
    parts.push('### Messages of which a template could make nothing', list(lines));
  }
  if (unread.length > 0) {
    const lines = unread.map(
      ({ topic, count, retained, payload }) =>
        `\`${topic}\` (${count}×${retained ? ', kept' : ''}) ${code(payload)}`,
    );
    parts.push(`### Topics that nothing listens to${isCut ? ' (the first of them)' : ''}`, list(lines));
  }
  if (parts.length === 2) parts.push('Everything was understood.');
  return parts.join('\n\n');
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `- ${line}`).join('\n');
}

/** Code in a line of Markdown, whatever is in it. */
function code(text: string): string {
  const line = oneLine(text, 500);
  return line === '' ? '(empty)' : `\`\` ${line.replaceAll('``', "''")} \`\``;
}

function valueText(value: unknown, unit: string | null): string {
  if (value === null) return 'unknown';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return unit === null ? oneLine(text) : `${text} ${unit}`;
}

/** On one line and printable: what a device sent must not move the cursor. */
export function oneLine(text: string, max = 160): string {
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').trim();
  return clean.length > max ? `${clean.slice(0, max)}…` : clean;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows.map((row) => row.map((cell) => oneLine(cell, 60)))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** The same with every text free of control characters. */
function printable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ');
  if (Array.isArray(value)) return value.map(printable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [printable(key), printable(member)]),
  );
}
