import type { EntityVersion } from '../graph/types.ts';
import type { HomeReads } from './home-reads.ts';
import type { JsonParts } from './json-text.ts';
import type { Tool } from './types.ts';

import { isJsonObject } from '../base/json.ts';
import { toV2EntityType } from '../graph/graph.ts';
import { contentOf, listIn, nameOf, otherEnd } from './home-reads.ts';
import { mapInSlices, slicesOf } from './slices.ts';
import { tool } from './tool.ts';
import { idArgument } from './vocabulary.ts';

const ROOM = { room_id: idArgument.describe('The id of a room') };
const DEVICE = { device_id: idArgument.describe('The id of a device') };

/** Each takes several reads, so that fewer of them fit into a turn of the event loop. */
const PLACES_AT_ONCE = 20;
/** What an automation may do to a device. */
const AFFECTS = ['automates', 'controls', 'manages', 'triggered_by', 'monitors'];

/** Tools about rooms and what is in them. */
export const PLACE_TOOLS: readonly Tool[] = [
  tool({
    name: 'get_devices_in_room',
    description: 'Lists the devices that are located in a room',
    args: ROOM,
    run: async ({ reads }, { room_id: id }) => {
      reads.entity(id, 'Room');
      const devices = await devicesIn(reads, id);
      return {
        room_id: id,
        devices: await mapInSlices(devices, (device) => reads.toJson(device)),
        count: devices.length,
      };
    },
  }),
  tool({
    name: 'find_device_controls',
    description: 'Tells what a device can do, and which other devices it controls',
    args: DEVICE,
    run: async ({ reads }, { device_id: id }) => {
      const device = reads.entity(id, 'Device');
      const controlled = await reads.neighbours(await reads.edges(id, 'from', ['controls']), id);
      return {
        device_id: id,
        device_name: nameOf(device),
        capabilities: listIn(device, 'capabilities') as readonly JsonParts[],
        controlled_devices: controlled.map(reference),
        services: listIn(device, 'services') as readonly JsonParts[],
      };
    },
  }),
  tool({
    name: 'get_room_connections',
    description: 'Lists the rooms, doors and windows that a room is connected to, and how',
    args: ROOM,
    run: async ({ reads }, { room_id: id }) => {
      const room = reads.entity(id, 'Room');
      const edges = await reads.edges(id, 'both', ['connects_to']);
      const others = new Map((await reads.neighbours(edges, id)).map((other) => [other.id, other]));
      const connections = edges.flatMap((edge) => {
        const other = others.get(otherEnd(edge, id));
        const properties: unknown = JSON.parse(edge.propertiesJson);
        const via = isJsonObject(properties) ? properties['via'] : undefined;
        return other
          ? [
              {
                id: other.id,
                name: nameOf(other),
                connection_type: typeof via === 'string' && via !== '' ? via : 'direct',
              },
            ]
          : [];
      });
      return {
        room_id: id,
        room_name: nameOf(room),
        connections,
        connection_count: connections.length,
      };
    },
  }),
  tool({
    name: 'get_procedures_for_device',
    description: 'Lists the procedures and manuals for a device',
    args: DEVICE,
    run: async ({ reads }, { device_id: id }) => {
      const device = reads.entity(id, 'Device');
      const edges = [
        ...(await reads.edges(id, 'to', ['procedure_for'])),
        ...(await reads.edges(id, 'from', ['documented_by'])),
      ];
      const procedures = await reads.neighbours(edges, id, 'procedure');
      const manuals = await reads.neighbours(edges, id, 'manual');
      return {
        device_id: id,
        device_name: nameOf(device),
        procedures: procedures.map(document),
        manuals: manuals.map(document),
        total_documentation: procedures.length + manuals.length,
      };
    },
  }),
  tool({
    name: 'get_automations_in_room',
    description: 'Lists the automations that affect a room or the devices in it',
    args: ROOM,
    run: async ({ reads }, { room_id: id }) => {
      const room = reads.entity(id, 'Room');
      const affected = new Map<string, { automation: EntityVersion; devices: EntityVersion[] }>();
      for await (const places of slicesOf([room, ...(await devicesIn(reads, id))], PLACES_AT_ONCE)) {
        for (const place of places) {
          for (const automation of await automationsOf(reads, place.id)) {
            const entry = affected.get(automation.id) ?? { automation, devices: [] };
            if (place !== room) entry.devices.push(place);
            affected.set(automation.id, entry);
          }
        }
      }
      const automations = [...affected.values()].map(({ automation, devices }) => ({
        ...document(automation),
        affects_devices: devices.map((device) => ({ id: device.id, name: nameOf(device) })),
      }));
      return {
        room_id: id,
        room_name: nameOf(room),
        automations,
        automation_count: automations.length,
      };
    },
  }),
];

async function devicesIn(reads: HomeReads, roomId: string): Promise<EntityVersion[]> {
  const edges = await reads.edges(roomId, 'to', ['located_in']);
  const devices = await reads.neighbours(edges, roomId, 'device');
  return [...devices, ...(await reads.neighbours(edges, roomId, 'accessory'))];
}

async function automationsOf(reads: HomeReads, id: string): Promise<EntityVersion[]> {
  const edges = await reads.edges(id, 'both', AFFECTS);
  return await reads.neighbours(edges, id, 'automation');
}

/** An entity in a few words. */
export function reference(entity: EntityVersion): { id: string; name: string; type: string } {
  return { id: entity.id, name: nameOf(entity), type: toV2EntityType(entity.entityType) };
}

function document(entity: EntityVersion): { id: string; name: string; content: JsonParts } {
  return { id: entity.id, name: nameOf(entity), content: contentOf(entity) };
}
