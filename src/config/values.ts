import { isIP } from 'node:net';

import * as z from 'zod';

import { parseCron } from '../base/cron.ts';

/*
 * Schemas of single values. All of them read text: the environment and flags have nothing else, and the file's
 * numbers are taken as they are written, because a PIN or a password of digits must not lose its leading zeros.
 */

/** Who can announce the HomeKit bridges. */
export const HOMEKIT_ADVERTISERS = ['auto', 'ciao', 'bonjour-hap', 'avahi'] as const;

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A topic: not empty, no wildcard, no slash at either end, no blanks or controls, not one of the broker's own `$` topics. */
export const DISCOVERY_PREFIX = /^(?![/$])[^+#\s\p{Cc}]*[^+#\s\p{Cc}/]$/u;

const HOST_NAME =
  /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/i;
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@\\]+$/i;
const SETUP_CODE = /^(\d{3})-?(\d{2})-?(\d{3})$/;
const MQTT_PROTOCOLS = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];
const TRUE_WORDS = ['true', 'yes', 'on', '1'];
const FALSE_WORDS = ['false', 'no', 'off', '0'];

/** Any text of 1 to `maxLength` characters without control characters. */
export function text(maxLength: number) {
  return z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^\P{Cc}*$/u);
}

export function integer(min: number, max: number) {
  return z
    .string()
    .regex(/^[+-]?\d+$/)
    .transform(Number)
    .pipe(z.number().int().min(min).max(max));
}

export function number(min: number, max: number) {
  return z
    .string()
    .regex(/^[+-]?(\d+\.?\d*|\.\d+)$/)
    .transform(Number)
    .pipe(z.number().min(min).max(max));
}

export function listOf<T>(item: z.ZodType<T>) {
  return z.array(item).max(100).readonly();
}

export const port = integer(0, 65_535);

export const flag = z
  .string()
  .toLowerCase()
  .pipe(z.enum([...TRUE_WORDS, ...FALSE_WORDS]))
  .transform((word) => TRUE_WORDS.includes(word));

/** An mDNS instance label holds 63 bytes (RFC 6763 4.1.1); a longer name could not be announced. */
export const nameText = text(63)
  .trim()
  .min(1)
  .refine((name) => Buffer.byteLength(name) <= 63);

export const timeZone = z.string().refine(isTimeZone);

export const host = z.string().refine((value) => isIP(value) !== 0 || isHostName(value));

/** The name of a machine, as a browser sends it: lower case. */
export const hostName = z.string().refine(isHostName).toLowerCase();

export const ipAddress = z.string().refine((value) => isIP(value) !== 0);

/** An origin as browsers send it, which is compared letter by letter: no path, no trailing slash, no wildcard. */
export const httpOrigin = z.string().regex(ORIGIN).toLowerCase();

/** Credentials in the URL are refused because the URL is logged and the password must not be. */
export const mqttUrl = z.string().refine((value) => {
  const url = URL.parse(value);
  if (url === null || !MQTT_PROTOCOLS.includes(url.protocol)) return false;
  return url.hostname !== '' && url.username === '' && url.password === '';
});

/** `hub@example.org`, or with a name before it in angle brackets. Nothing that could begin another header. */
export const mailAddress = text(320).regex(
  /^(?:[^<>@,;]+ <[^\s<>@,;]+@[^\s<>@,;]+>|[^\s<>@,;]+@[^\s<>@,;]+)$/,
);

/** Credentials in the URL are refused because requests do not send them. */
export const webhookUrl = text(2048).refine((value) => {
  const url = URL.parse(value);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
});

/** Credentials in the URL would be logged with it. */
export const httpUrl = z.string().refine((value) => {
  const url = URL.parse(value);
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return false;
  return (
    url.hostname !== '' && url.username === '' && url.password === '' && url.search === '' && url.hash === ''
  );
});

/** Five fields of cron. */
export const cronText = z
  .string()
  .trim()
  .refine((value) => {
    try {
      parseCron(value);
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  });

/** As S3 names them (3 to 63 characters; other services take capitals and `_`, too). */
export const bucketName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/);

export const objectPrefix = z
  .string()
  .max(500)
  .regex(/^([A-Za-z0-9._-]+\/)+$/);

/** Apple refuses these codes in pairing, and HAP-NodeJS does not check (HAP specification, invalid setup codes). */
export const setupCode = z
  .string()
  .regex(SETUP_CODE)
  .transform((code) => code.replace(SETUP_CODE, '$1-$2-$3'))
  .refine((code) => {
    const digits = code.replaceAll('-', '');
    return !/^(\d)\1{7}$/.test(digits) && digits !== '12345678' && digits !== '87654321';
  });

/** HS256 is only as strong as its key, and the JWT library takes a key of any length. */
export const jwtSecret = z.string().refine((value) => Buffer.byteLength(value) >= 32);

/** It can be guessed at leisure by whoever has a copy of the data. */
export const passphrase = text(1024).min(12);

function isHostName(value: string): boolean {
  // 192.168.1 and 300.1.1.1 look like host names too, but are addresses gone wrong.
  return HOST_NAME.test(value) && !/^[\d.]+$/.test(value);
}

function isTimeZone(value: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: value }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
