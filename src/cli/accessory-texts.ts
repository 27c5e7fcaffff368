import type { AccessoryAsk } from './accessory-commands.ts';

import { oneLine, table } from './device-texts.ts';

/** An accessory, as the API describes it. */
interface AccessoryLine {
  readonly id: string;
  readonly name: string;
  readonly model: string | null;
  readonly category: string | null;
  readonly paired_with_us: boolean;
  readonly can_pair: boolean;
  readonly notice: string | null;
  readonly state: string | null;
  readonly reason: string | null;
  readonly entity_ids: readonly string[];
}

/** What the hub answered, for a person. The running hub and this command are one program: the types are its own. */
export function accessoryText(ask: AccessoryAsk, reply: unknown): string {
  if (ask === 'accessories') return listText(reply as readonly AccessoryLine[]);
  if (ask === 'accessories_pair') return pairedText(reply as AccessoryLine);
  const { must_reset: mustReset } = reply as { readonly must_reset: boolean };
  return mustReset
    ? 'Forgotten. It could not be told, and goes on believing that it belongs to this hub: reset it before anybody pairs with it again.'
    : 'Removed; it is free for another home.';
}

function listText(accessories: readonly AccessoryLine[]): string {
  if (accessories.length === 0) {
    return 'No HomeKit accessory was found so far, besides what this hub shows itself. It must have power and be in the network of the hub, and mdns.enabled must be true here.';
  }
  const rows = accessories.map((one) => [
    one.name,
    one.category ?? '',
    one.model ?? '',
    standing(one),
    one.id,
  ]);
  const remarks = new Set(
    accessories.flatMap(({ name, notice, reason }) => [
      ...(notice === null ? [] : [`${name}: ${notice}`]),
      ...(reason === null ? [] : [`${name}: ${reason}`]),
    ]),
  );
  return [
    table(['ACCESSORY', 'KIND', 'MODEL', '', 'ID'], rows),
    ...[...remarks].map((remark) => oneLine(remark, 500)),
  ].join('\n\n');
}

function standing({ paired_with_us: isOurs, can_pair: canPair, state }: AccessoryLine): string {
  if (!isOurs) return canPair ? 'can be paired' : 'paired elsewhere';
  return state === 'connected' ? 'here' : 'here, offline';
}

function pairedText({ name, entity_ids: ids, notice }: AccessoryLine): string {
  const count = ids.length === 1 ? 'one accessory' : `${ids.length} accessories`;
  const told =
    ids.length === 0
      ? 'its services are read as soon as it answers.'
      : `${count} came with it; \`funkygibbon devices\` lists them.`;
  return `${oneLine(name)} is paired: ${told} Apple Home is not shown them again by this hub.${notice === null ? '' : `\n${notice}`}`;
}
