import { renderUnicodeCompact } from 'uqr';

import type { PairingInfo, PhonePairing } from './types.ts';

/** What a person sees when the hub is up, or asks for with `funkygibbon pair`. */
export function welcomeText(info: PairingInfo): string {
  return [homekitText(info), ownerText(info), tlsText(info), mqttText(info)]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** What a person sees who pairs a phone from the terminal. */
export function phoneText({ username, code, uri, expires_at: expiresAt }: PhonePairing): string {
  return [
    `A phone for ${username}: open the app, "Pair with a hub", and scan`,
    '',
    indent(renderUnicodeCompact(uri, { border: 2 })),
    '',
    `  or enter the code ${code}. It is good once, until ${expiresAt}; whoever has it is ${username}.`,
  ].join('\n');
}

function homekitText({ homekit }: PairingInfo): string {
  if (!homekit) return '';
  const first = homekit.paired
    ? `Apple Home is paired. (Setup code ${homekit.pin}, for when it was removed there.)`
    : scanText('Apple Home: open the Home app, "Add Accessory", and scan', homekit);
  const more = (homekit.more ?? [])
    .filter(({ paired }) => !paired)
    .map((bridge) =>
      scanText(`Apple Home does not have the bridge "${bridge.name}" yet: "Add Accessory", and scan`, bridge),
    );
  return [first, ...more].join('\n\n');
}

/** A code to scan, and to type. */
export function scanText(
  invitation: string,
  { setupUri, pin }: { readonly setupUri: string; readonly pin: string },
): string {
  const code = indent(renderUnicodeCompact(setupUri, { border: 2 }));
  return [invitation, '', code, '', `  or enter the code ${pin}`].join('\n');
}

function ownerText({ setupCode, httpUrl, tls }: PairingInfo): string {
  if (setupCode === null) return '';
  return [
    'You are the owner once you choose a name and a password. Open this page, good for one time:',
    `  ${tls?.url ?? httpUrl}/setup#${setupCode}`,
    ...(tls ? ['  (The browser does not know a certificate that the hub made itself, and asks.)'] : []),
    `or open ${tls?.url ?? httpUrl}/setup from another device of your network, with the setup code ${setupCode}`,
  ].join('\n');
}

function tlsText({ tls }: PairingInfo): string {
  if (!tls) return '';
  return [
    `Behind TLS the hub is at ${tls.url}, and its key has the fingerprint`,
    `  ${tls.fingerprint}`,
    `  (to check: curl -k --pinnedpubkey '${tls.fingerprint.replace('/', '//')}' ${tls.url}/health)`,
  ].join('\n');
}

function mqttText({ mqtt }: PairingInfo): string {
  if (!mqtt) return '';
  const place = mqtt.tlsUrl == null ? mqtt.url : `${mqtt.url}, or with TLS to ${mqtt.tlsUrl},`;
  const start = `MQTT devices connect to ${place} as "${mqtt.username}" with the`;
  if (mqtt.sealed === true) return `${start} password\n  ${mqtt.password}`;
  return mqtt.file === null ? `${start} configured password.` : `${start} password in\n  ${mqtt.file}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
