import * as z from 'zod';

import type { CharacteristicAnswer, HapAccessory, HapCharacteristic, HapService } from './types.ts';

import { AccessoryError } from './errors.ts';
import { toShortType } from './hap-types.ts';

/** A bridge has 150 accessories at most; who tells more than this wants to fill the memory. */
const MAX_ACCESSORIES = 500;
const MAX_CHARACTERISTICS = 20_000;

/** Unsigned 64 bits in decimal, kept as text by `parseHapJson`. */
const idSchema = z.string().regex(/^\d{1,20}$/);
const valueSchema = z.union([z.boolean(), z.number(), z.string(), z.null()]).catch(null);
const numberSchema = z.number().nullish().catch(null);
const textSchema = z.string().max(1000).nullish().catch(null);
const flagSchema = z.boolean().optional().catch(undefined);

const characteristicSchema = z.object({
  iid: idSchema,
  type: z.string().max(40),
  perms: z.array(z.string().max(10)).max(20).catch([]),
  format: textSchema,
  unit: textSchema,
  description: textSchema,
  minValue: numberSchema,
  maxValue: numberSchema,
  minStep: numberSchema,
  'valid-values': z.array(z.number()).max(256).nullish().catch(null),
  value: valueSchema.optional(),
});

const serviceSchema = z.object({
  iid: idSchema,
  type: z.string().max(40),
  primary: flagSchema,
  hidden: flagSchema,
  linked: z.array(z.number().transform(String)).max(200).optional().catch(undefined),
  characteristics: z.array(characteristicSchema).max(500),
});

const databaseSchema = z.object({
  accessories: z
    .array(z.object({ aid: idSchema, services: z.array(serviceSchema).max(500) }))
    .max(MAX_ACCESSORIES),
});

const answersSchema = z.object({
  characteristics: z
    .array(
      z.object({
        aid: idSchema,
        iid: idSchema,
        status: z.number().optional(),
        value: valueSchema.optional(),
      }),
    )
    .max(MAX_CHARACTERISTICS),
});

/** @throws AccessoryError `protocol` when it is no list of accessories. */
export function parseDatabase(body: Buffer): HapAccessory[] {
  const { accessories } = check(databaseSchema, parseHapJson(body));
  const list = accessories.map(({ aid, services }) => ({
    aid,
    services: services.map((service) => toService(aid, service)),
  }));
  const count = list.flatMap(({ services }) => services.flatMap((one) => one.characteristics)).length;
  if (count > MAX_CHARACTERISTICS) throw new AccessoryError('protocol', 'too many characteristics');
  return list;
}

/** What characteristics answered or told. @throws AccessoryError `protocol` */
export function parseAnswers(body: Buffer): CharacteristicAnswer[] {
  return check(answersSchema, parseHapJson(body)).characteristics.map(({ aid, iid, status, value }) => ({
    id: `${aid}.${iid}`,
    status: status ?? 0,
    ...(value === undefined ? {} : { value }),
  }));
}

/** What makes two lists the same structure; values and the order do not count. */
export function structureOf(accessories: readonly HapAccessory[]): string {
  const lines = accessories.flatMap(({ aid, services }) =>
    services.flatMap((service) => [
      `${aid} ${service.iid} ${service.type} ${service.primary} ${service.hidden} ${service.linked.join()}`,
      ...service.characteristics.map((one) => JSON.stringify([service.iid, { ...one, value: null }])),
    ]),
  );
  return lines.sort().join('\n');
}

function toService(aid: string, service: z.infer<typeof serviceSchema>): HapService {
  return {
    iid: service.iid,
    type: toShortType(service.type),
    primary: service.primary ?? false,
    hidden: service.hidden ?? false,
    linked: service.linked ?? [],
    characteristics: service.characteristics.map((one) => toCharacteristic(aid, one)),
  };
}

function toCharacteristic(aid: string, one: z.infer<typeof characteristicSchema>): HapCharacteristic {
  return {
    id: `${aid}.${one.iid}`,
    iid: one.iid,
    type: toShortType(one.type),
    perms: one.perms,
    format: one.format ?? null,
    unit: one.unit ?? null,
    description: one.description ?? null,
    minValue: one.minValue ?? null,
    maxValue: one.maxValue ?? null,
    minStep: one.minStep ?? null,
    validValues: one['valid-values'] ?? null,
    value: one.value,
  };
}

function check<T>(schema: z.ZodType<T>, json: unknown): T {
  const read = schema.safeParse(json);
  if (read.success) return read.data;
  throw new AccessoryError('protocol', `unexpected JSON at ${read.error.issues[0]?.path.join('.') ?? '?'}`);
}

type Reviver = (key: string, value: unknown, context?: { source?: string }) => unknown;

/** Ids are unsigned 64-bit numbers: their text is kept, as a number the large ones would become each other. */
function parseHapJson(body: Buffer): unknown {
  const keepIds: Reviver = (key, value, context) =>
    typeof value === 'number' && (key === 'aid' || key === 'iid')
      ? (context?.source ?? String(value))
      : value;
  try {
    const json: unknown = JSON.parse(body.toString('utf8'), keepIds);
    return json;
  } catch (error) {
    throw new AccessoryError('protocol', 'it is not JSON', { cause: error });
  }
}
