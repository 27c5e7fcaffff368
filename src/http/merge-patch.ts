import { isJsonObject, type JsonObject } from '../base/json.ts';

/**
 * Applies a JSON merge patch (RFC 7396) to an object: null removes a key, objects are merged, all else replaces.
 * Neither argument is changed, and a key named `__proto__` stays an ordinary key.
 */
export function mergePatch(target: JsonObject, patch: JsonObject): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else if (isJsonObject(value)) {
      const before = merged.get(key);
      merged.set(key, mergePatch(isJsonObject(before) ? before : {}, value));
    } else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}
