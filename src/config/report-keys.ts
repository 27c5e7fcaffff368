import * as z from 'zod';

import { list, scalar, secret } from './key-spec.ts';
import { host, integer, listOf, mailAddress, text, webhookUrl } from './values.ts';

const kinds = z.enum(['daily', 'weekly', 'monthly']);
const KINDS = 'a list of daily, weekly and monthly';

/** The keys of reports, in the order of the example file. */
export const REPORT_KEYS = {
  'reports.keep_days': scalar({
    schema: integer(0, 36_500),
    initial: '90',
    accepted: 'a whole number of days up to 36500; 0 keeps everything',
    description:
      'How long daily reports are kept. Weekly ones are kept for two years, or for as long as daily ones where that is longer, and monthly ones for ever. 0 = all for ever.',
  }),
  'reports.mail.host': scalar({
    schema: host,
    initial: null,
    initialText: 'none: no mail is sent',
    accepted: 'an IP address or a host name, without a port',
    description:
      'The mail server (SMTP) that takes reports. Needs reports.mail.from and reports.mail.to too.',
    example: 'smtp.example',
  }),
  'reports.mail.port': scalar({
    schema: integer(1, 65_535),
    initial: null,
    initialText: '587 for starttls, 465 for implicit, 25 for none',
    accepted: 'a whole number from 1 to 65535',
    description: 'The port of the mail server.',
    example: '587',
  }),
  'reports.mail.tls': scalar({
    schema: z.enum(['starttls', 'implicit', 'none']),
    initial: 'starttls',
    accepted: 'starttls, implicit or none',
    description:
      'How the way to the mail server is kept private. none sends reports and the password readable for everybody on the way: for a server on this machine only.',
  }),
  'reports.mail.username': scalar({
    schema: text(256),
    initial: null,
    initialText: 'none; the server takes mail without a login',
    accepted: 'a user name of 1 to 256 characters, together with reports.mail.password',
    description: 'The user name for the mail server.',
    example: 'hub@example.org',
  }),
  'reports.mail.password': secret({
    schema: text(1024),
    initialText: 'none',
    accepted: 'a password of 1 to 1024 characters, together with reports.mail.username',
    description: 'The password for the mail server.',
  }),
  'reports.mail.from': scalar({
    schema: mailAddress,
    initial: null,
    initialText: 'none',
    accepted: 'a mail address such as hub@example.org, or with a name: Hub <hub@example.org>',
    description: 'Who the mail says it is from.',
    example: 'Hub <hub@example.org>',
  }),
  'reports.mail.to': list({
    schema: listOf(mailAddress),
    initial: [],
    initialText: 'none',
    accepted: 'a list of mail addresses such as ana@example.org',
    description: 'Who gets reports by mail. They see the whole of them, whatever they may see on the hub.',
    example: '[ana@example.org]',
  }),
  'reports.mail.kinds': list({
    schema: listOf(kinds),
    initial: ['weekly', 'monthly'],
    initialText: 'weekly and monthly',
    accepted: KINDS,
    description: 'Which reports go by mail by themselves.',
    example: '[weekly, monthly]',
  }),
  'reports.webhook.url': secret({
    schema: webhookUrl,
    initialText: 'none: nothing is posted',
    accepted: 'a URL that begins with https:// or http://, without user name and password',
    description:
      'Where reports are posted as JSON. It is kept like a secret, because many such addresses are one. Redirects are not followed.',
  }),
  'reports.webhook.secret': secret({
    schema: text(1024),
    initialText: 'none; what is posted is not signed',
    accepted: 'a secret of 1 to 1024 characters, together with reports.webhook.url',
    description:
      'Signs what is posted: X-FunkyGibbon-Signature is sha256= and the HMAC of the body with this secret.',
  }),
  'reports.webhook.kinds': list({
    schema: listOf(kinds),
    initial: ['daily', 'weekly', 'monthly'],
    initialText: 'all three',
    accepted: KINDS,
    description: 'Which reports are posted.',
    example: '[monthly]',
  }),
} as const;
