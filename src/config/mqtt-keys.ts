import * as z from 'zod';

import { boolean, PORT, scalar, secret } from './key-spec.ts';
import { DISCOVERY_PREFIX, host, hostName, mqttUrl, port, text } from './values.ts';

/** The keys of the brokers, in the order of the example file. */
export const MQTT_KEYS = {
  'mqtt.mode': scalar({
    schema: z.enum(['embedded', 'external', 'off']),
    initial: 'embedded',
    accepted: 'embedded, external or off',
    description:
      'embedded runs a broker inside the hub, external joins the one at mqtt.url, off does without MQTT.',
  }),
  'mqtt.host': scalar({
    schema: host,
    initial: '0.0.0.0',
    accepted: 'an IP address or a host name, without a port',
    description: 'The address the embedded broker listens on.',
  }),
  'mqtt.port': scalar({
    schema: port,
    initial: '1883',
    accepted: PORT,
    description: 'The port of the embedded broker. 0 means any free port.',
  }),
  'mqtt.url': scalar({
    schema: mqttUrl,
    initial: null,
    initialText: 'none',
    accepted:
      'a URL that begins with mqtt://, mqtts://, ws:// or wss://, without credentials (they are mqtt.username and mqtt.password)',
    description: 'The external broker.',
    example: 'mqtt://192.168.1.10:1883',
  }),
  'mqtt.username': scalar({
    schema: text(256),
    initial: null,
    initialText: 'none; the embedded broker makes one up on first start',
    accepted: 'a user name of 1 to 256 characters',
    description: 'The user name for the broker.',
    example: 'hub',
  }),
  'mqtt.password': secret({
    schema: text(1024),
    initialText: 'none; the embedded broker makes one up on first start',
    accepted: 'a password of 1 to 1024 characters',
    description: 'The password for the broker.',
  }),
  'mqtt.protocol': scalar({
    schema: z.enum(['auto', '3.1.1', '5']),
    initial: 'auto',
    accepted: 'auto, 3.1.1 or 5',
    description:
      'The version of MQTT that is spoken with the external broker. auto is 5, or 3.1.1 where the broker refuses that. The embedded broker speaks 3.1.1.',
  }),
  'mqtt.tls.port': scalar({
    schema: port,
    initial: null,
    initialText: 'none; 8883 is usual',
    accepted: PORT,
    description:
      'The embedded broker speaks TLS on this port too, with mqtt.tls.cert, or else with a certificate that the hub makes for itself. 0 means any free port.',
    example: '8883',
  }),
  'mqtt.tls.cert': scalar({
    schema: text(4096),
    initial: null,
    initialText: 'none',
    accepted: 'a PEM file, together with mqtt.tls.key',
    description:
      'What the embedded broker shows on mqtt.tls.port, or what the hub shows to an external broker that asks for a client certificate. A changed file is taken over without a restart.',
    example: '/etc/funkygibbon/mqtt-cert.pem',
  }),
  'mqtt.tls.key': scalar({
    schema: text(4096),
    initial: null,
    initialText: 'none',
    accepted: 'a PEM file, together with mqtt.tls.cert',
    description: 'The private key for mqtt.tls.cert as a PEM file.',
    example: '/etc/funkygibbon/mqtt-key.pem',
  }),
  'mqtt.tls.ca': scalar({
    schema: text(4096),
    initial: null,
    initialText: 'none; the authorities that the system trusts',
    accepted: 'a PEM file',
    description:
      'The certificate of the authority that vouches for the external broker, for a URL with mqtts:// or wss://. The broker is always checked.',
    example: '/etc/funkygibbon/mqtt-ca.pem',
  }),
  'mqtt.tls.server_name': scalar({
    schema: hostName,
    initial: null,
    initialText: 'that of mqtt.url',
    accepted: 'a host name, without a port',
    description: "The name in the external broker's certificate, where it is not the one in mqtt.url.",
    example: 'broker.example',
  }),
  'mqtt.birth': boolean({
    initial: 'false',
    description:
      'Whether the hub announces itself to devices on DISCOVERY_PREFIX/status, so that those that keep no description on the broker send it again. Leave it off beside another reader of discovery, such as Home Assistant.',
  }),
  'mqtt.discovery_prefix': scalar({
    schema: z.string().max(256).regex(DISCOVERY_PREFIX),
    initial: 'homeassistant',
    accepted: 'a topic without wildcards (+ and #) and without / at either end',
    description: 'The topic below which devices announce themselves.',
  }),
} as const;
