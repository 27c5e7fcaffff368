import { expect, test } from 'vitest';

import { unsupportedSentence } from '../../../src/mqtt/components/unsupported.ts';

test.each([
  'camera',
  'image',
  'date',
  'datetime',
  'time',
  'tag',
  'notify',
  'infrared',
  'kettle',
  'constructor',
])('%s is kept with a sentence that says so', (type) => {
  expect(unsupportedSentence(type)).toMatch(/^[A-Z].* not supported yet.*\.$/);
});
