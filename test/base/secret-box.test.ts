import { expect, test } from 'vitest';

import { boxParametersSchema, isSealed, PLAIN, SealedError, SecretBox } from '../../src/base/secret-box.ts';

const PASSPHRASE = 'a passphrase that is long enough';

test('what was sealed opens with the same passphrase, also in another process', async () => {
  const box = await SecretBox.make(PASSPHRASE);
  const sealed = box.seal('kept_value/jwt_secret', 'the secret – with more than ASCII');
  const parameters = boxParametersSchema.parse(JSON.parse(JSON.stringify(box.parameters)));
  const again = await SecretBox.unlock(PASSPHRASE, parameters);
  expect(again.open('kept_value/jwt_secret', sealed)).toBe('the secret – with more than ASCII');
  const bytes = Buffer.from([0, 255, 1]);
  expect(again.openBytes('backup', box.sealBytes('backup', bytes))).toEqual(bytes);
});

test('it opens under no other name, with no other passphrase, and not when a bit has changed', async () => {
  const box = await SecretBox.make(PASSPHRASE);
  const sealed = box.seal('a', 'secret');
  expect(() => box.open('b', sealed)).toThrow(SealedError);
  const bytes = box.sealBytes('a', Buffer.from('secret'));
  for (let index = 0; index < bytes.length; index += 1) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(() => box.openBytes('a', changed)).toThrow(SealedError);
  }
  for (const length of [0, 11, 12, 27, bytes.length - 1]) {
    expect(() => box.openBytes('a', bytes.subarray(0, length))).toThrow(SealedError);
  }
  await expect(SecretBox.unlock('another passphrase', box.parameters)).rejects.toThrow(SealedError);
});

test('the same text is sealed differently each time, and two homes have two keys', async () => {
  const box = await SecretBox.make(PASSPHRASE);
  const other = await SecretBox.make(PASSPHRASE);
  expect(box.seal('a', 'secret')).not.toBe(box.seal('a', 'secret'));
  expect(() => other.open('a', box.seal('a', 'secret'))).toThrow(SealedError);
});

test('what was written before there was a passphrase is read as it is, and what is sealed never taken for plain', async () => {
  const box = await SecretBox.make(PASSPHRASE);
  expect(box.open('a', 'plain')).toBe('plain');
  expect(PLAIN.open('a', PLAIN.seal('a', 'plain'))).toBe('plain');
  const sealed = box.seal('a', 'secret');
  expect(isSealed(sealed)).toBe(true);
  expect(() => PLAIN.open('a', sealed)).toThrow(SealedError);
});

test('parameters that would take all memory are refused', async () => {
  const { parameters } = await SecretBox.make(PASSPHRASE);
  expect(boxParametersSchema.safeParse({ ...parameters, cost: 2 ** 20 }).success).toBe(false);
  expect(boxParametersSchema.safeParse({ ...parameters, blockSize: 1024 }).success).toBe(false);
  expect((128 * parameters.cost * parameters.blockSize) / 1024 / 1024).toBe(16);
});
