import { join } from 'node:path';

import { expect, test } from 'vitest';

import { Checkout } from './checkout.ts';

const PASSING =
  "import { test } from 'vitest';\ntest('passes', () => {});\ntest.skip('is skipped', () => {});\n";
const FAILING = "import { test } from 'vitest';\ntest('fails', () => { throw new Error('no'); });\n";
const BROKEN = "throw new Error('cannot be loaded');\n";

function checkoutWith(checks: Partial<Record<'lint' | 'format:check' | 'typecheck', string>>): Checkout {
  const checkout = new Checkout();
  const scripts = { lint: 'exit 0', 'format:check': 'exit 0', typecheck: 'exit 0', ...checks };
  checkout.write('package.json', JSON.stringify({ type: 'module', scripts }));
  return checkout;
}

test('test.sh counts passed tests on its only line of standard output, and exits with 0', async () => {
  using checkout = checkoutWith({});
  checkout.write('test/passing.test.ts', PASSING);
  const { code, stdout } = await checkout.script('test.sh');
  expect({ code, stdout }).toEqual({ code: 0, stdout: '1 passed, 0 failed\n' });
});

test('test.sh counts a failed test, a file that cannot be loaded, and a failed check, each as one', async () => {
  using checkout = checkoutWith({ lint: 'exit 1', typecheck: 'exit 2' });
  checkout.write('test/passing.test.ts', PASSING);
  checkout.write('test/failing.test.ts', FAILING);
  checkout.write('test/broken.test.ts', BROKEN);
  const { code, stdout, stderr } = await checkout.script('test.sh');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '1 passed, 4 failed\n' });
  expect(stderr).toContain('cannot be loaded');
});

test('test.sh fails when there are no tests, and passes its arguments on to vitest', async () => {
  using checkout = checkoutWith({});
  checkout.write('test/passing.test.ts', PASSING);
  checkout.write('test/failing.test.ts', FAILING);
  expect((await checkout.script('test.sh', ['test/passing'])).stdout).toBe('1 passed, 0 failed\n');
  expect(await checkout.script('test.sh', ['test/nothing'])).toMatchObject({
    code: 1,
    stdout: '0 passed, 1 failed\n',
  });
});

test('test.sh says which tests are skipped for want of a package', async () => {
  using checkout = checkoutWith({});
  checkout.write('test/passing.test.ts', PASSING);
  checkout.reducePath(['dirname', 'find', 'id', 'env', 'mktemp', 'rm', 'sh', 'uname']);
  const { code, stderr } = await checkout.script('test.sh');
  expect(code).toBe(0);
  expect(stderr).toContain('gcc libc6-dev not found: the power-cut tests will be skipped.\n');
  expect(stderr).toContain('iproute2 not found: the tests in network namespaces will be skipped.\n');
});

test('a test run that leaves no report counts as one failed', async () => {
  using checkout = new Checkout();
  const script = join(checkout.root, 'scripts/count-tests.ts');
  expect(await checkout.run(process.execPath, [script, 'nothing.json', '137', '0'])).toMatchObject({
    code: 1,
    stdout: '0 passed, 1 failed\n',
  });
});

test('an unhandled error outside of every test counts as one failed', async () => {
  using checkout = checkoutWith({});
  checkout.write(
    'test/unhandled.test.ts',
    "import { test } from 'vitest';\ntest('passes', () => { void Promise.reject(new Error('lost')); });\n",
  );
  const { code, stdout } = await checkout.script('test.sh');
  expect({ code, stdout }).toEqual({ code: 1, stdout: '1 passed, 1 failed\n' });
});
