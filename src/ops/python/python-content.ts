import type { SQLOutputValue } from 'node:sqlite';

import { isJsonObject, type JsonObject } from '../../base/json.ts';
import { isTooLarge } from '../../graph/graph.ts';
import { toJsonObject } from './python-values.ts';

/**
 * The JSON text of a content with the name, which the old table kept in a column of its own and which counts. Where it is
 * too large, files that old programs put into it (as base64 under `data_b64`) are left out, and `onFileLeftOut` is called.
 * Undefined where the column holds no JSON object.
 */
export function toContent(
  name: SQLOutputValue | undefined,
  content: SQLOutputValue | undefined,
  onFileLeftOut: () => void,
): string | undefined {
  const object = toJsonObject(content);
  if (object === undefined) return undefined;
  const named = typeof name === 'string' ? { ...object, name } : object;
  const json = JSON.stringify(named);
  if (!isTooLarge(json)) return json;
  const lighter = withoutFiles(named);
  if (lighter === named) return json;
  onFileLeftOut();
  return JSON.stringify(lighter);
}

/** Both shapes that there were: a file in the content itself, and a list of images. */
function withoutFiles(content: JsonObject): JsonObject {
  const { images } = content;
  const hasFile = 'data_b64' in content;
  const hasImages =
    Array.isArray(images) && images.some((image) => isJsonObject(image) && 'data_b64' in image);
  if (!hasFile && !hasImages) return content;
  const { data_b64: _file, ...rest } = content;
  if (!Array.isArray(images)) return rest;
  return { ...rest, images: images.map(withoutFile) };
}

function withoutFile(image: unknown): unknown {
  if (!isJsonObject(image)) return image;
  const { data_b64: _file, ...rest } = image;
  return rest;
}
