/** What Apple Home accepts in names, and texts of AccessoryInformation (DEVICES.md 4.3). */

const MAX_NAME_BYTES = 63;
/** Variation selectors are marks that only emoji use; every other mark belongs to a letter (Devanagari, Thai …). */
const REFUSED = /[\uFE00-\uFE0F\u20E3]|[^\p{L}\p{N}\p{Mn}\p{Mc}\p{Zs}\u2019'&!._:;()/,-]/gu;
const BEFORE_FIRST = /^[^\p{L}\p{N}]+/u;
const AFTER_LAST = /[^\p{L}\p{N}\p{Mn}\p{Mc}]+$/u;

/**
 * A name that Apple Home takes: NFC, letters, digits, spaces and a few signs, beginning and ending with a letter or
 * digit, at least two characters, at most 63 bytes. The first candidate that leaves anything wins.
 */
export function cleanName(...candidates: readonly (string | null)[]): string {
  for (const candidate of candidates) {
    const name = tidy(candidate ?? '');
    if (Array.from(name).length >= 2) return name;
    // A single letter or CJK character is a fair name, but the protocol wants two.
    if (name !== '') return `${name} 1`;
  }
  return 'Device';
}

function tidy(text: string): string {
  const allowed = text.slice(0, 500).normalize('NFC').replace(REFUSED, ' ').replace(/\s+/gu, ' ');
  const trimmed = allowed.replace(BEFORE_FIRST, '').replace(AFTER_LAST, '');
  return cutToBytes(trimmed, MAX_NAME_BYTES).replace(AFTER_LAST, '');
}

/** Cuts at a code point, never in the middle of one. */
export function cutToBytes(text: string, maxBytes: number): string {
  let bytes = 0;
  let result = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > maxBytes) break;
    result += character;
  }
  return result;
}

/**
 * Numbers equal names from the second on, since Siri cannot tell them apart. The order of the keys decides who keeps
 * the plain name, and ids sort by age, so that the older device keeps it.
 */
export function numberEqualNames(names: ReadonlyMap<string, string>): Map<string, string> {
  const taken = new Set<string>();
  const result = new Map<string, string>();
  for (const key of [...names.keys()].sort()) {
    const name = names.get(key) ?? '';
    let unique = name;
    for (let number = 2; taken.has(unique.toLowerCase()); number += 1) {
      const suffix = ` ${number}`;
      unique = cutToBytes(name, MAX_NAME_BYTES - suffix.length).replace(AFTER_LAST, '') + suffix;
    }
    taken.add(unique.toLowerCase());
    result.set(key, unique);
  }
  return result;
}

/** The first `x.y.z` in a firmware text (HAP takes nothing else), else 0.0.1. */
export function toFirmwareRevision(text: string | null): string {
  const match = /(\d{1,9})\.(\d{1,9})\.(\d{1,9})/.exec((text ?? '').slice(0, 500));
  return match ? `${Number(match[1])}.${Number(match[2])}.${Number(match[3])}` : '0.0.1';
}

/** A text of AccessoryInformation: 2 to 64 characters (HAP refuses a single one) without controls, or the fallback. */
export function toInfoText(text: string | null, fallback: string): string {
  const clean = (text ?? '')
    .slice(0, 500)
    .replace(/\p{C}+/gu, ' ')
    .replace(/\s+/gu, ' ')
    .trim();
  const cut = cutToBytes(clean, 64).trim();
  return cut.length > 1 ? cut : fallback;
}

/** Serial numbers by entity id: the device's own, or the entity id where there is none or several devices share it. */
export function toSerialNumbers(
  devices: readonly { entityId: string; serialNumber: string | null }[],
): Map<string, string> {
  const own = devices.map(({ entityId, serialNumber }) => [entityId, toInfoText(serialNumber, '')] as const);
  const counts = new Map<string, number>();
  for (const [, serial] of own) counts.set(serial, (counts.get(serial) ?? 0) + 1);
  return new Map(
    // HAP asks for more than one character; an empty and a shared one identify nothing.
    own.map(([entityId, serial]) => [
      entityId,
      serial.length > 1 && counts.get(serial) === 1 ? serial : entityId,
    ]),
  );
}
