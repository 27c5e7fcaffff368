import { boolean, scalar, secret } from './key-spec.ts';
import { bucketName, cronText, httpUrl, integer, objectPrefix, passphrase, text } from './values.ts';

/** The keys of backups, in the order of the example file. */
export const BACKUP_KEYS = {
  'backup.enabled': boolean({
    initial: 'true',
    description:
      'Whether the hub makes backups by itself. `funkygibbon backup create` makes one at any time.',
  }),
  'backup.schedule': scalar({
    schema: cronText,
    initial: '40 3 * * *',
    accepted: 'a cron expression of five fields, such as "40 3 * * *"',
    description:
      'When: minute, hour, day of the month, month, day of the week, in the time of the home. A time that was missed is made up for.',
  }),
  'backup.directory': scalar({
    schema: text(4096),
    initial: null,
    initialText: 'the folder backups in data_dir',
    accepted: 'a folder',
    description:
      'Where backups go. Better a disk of its own, such as a USB stick: a backup on the card is lost with the card.',
    example: '/mnt/usb/funkygibbon',
  }),
  'backup.require_mount': boolean({
    initial: 'false',
    description:
      'Refuses a backup.directory that lies on the disk of the system or of the data: a stick that is not attached must not have the card filled instead.',
  }),
  'backup.keep': scalar({
    schema: integer(1, 1000),
    initial: '7',
    accepted: 'a whole number from 1 to 1000',
    description: 'How many backups of the schedule are kept, and as many of those that were made by hand.',
  }),
  'backup.keep_days': scalar({
    schema: integer(1, 36_500),
    initial: null,
    initialText: 'none; age does not count',
    accepted: 'a whole number of days from 1 to 36500',
    description: 'Removes backups that are older, too. The last good one is never removed.',
    example: '30',
  }),
  'backup.passphrase': secret({
    schema: passphrase,
    initialText: 'none; backups are not encrypted',
    accepted: 'a passphrase of 12 to 1024 characters',
    description:
      'Encrypts backups, which hold the keys of the home. Without it nobody can open them again, you included: keep a copy elsewhere.',
  }),
  'backup.s3.endpoint': scalar({
    schema: httpUrl,
    initial: null,
    initialText: 'none; nothing goes to S3',
    accepted: 'a URL such as https://s3.eu-central-1.example.com, without the bucket',
    description:
      'Brings every backup to S3, or any service that speaks it, too. Needs the other keys of backup.s3; set backup.passphrase, or the service can read the keys of the home.',
    example: 'https://s3.eu-central-1.example.com',
  }),
  'backup.s3.region': scalar({
    schema: text(100),
    initial: 'us-east-1',
    accepted: 'the name of a region',
    description: 'The region of the bucket, as the service calls it.',
  }),
  'backup.s3.bucket': scalar({
    schema: bucketName,
    initial: null,
    initialText: 'none',
    accepted: 'the name of a bucket',
    description: 'The bucket. It must exist.',
    example: 'home-backups',
  }),
  'backup.s3.prefix': scalar({
    schema: objectPrefix,
    initial: null,
    initialText: 'none',
    accepted: 'names with / between and behind them, such as pi/',
    description: 'What stands before the name of each backup in the bucket.',
    example: 'pi/',
  }),
  'backup.s3.access_key': scalar({
    schema: text(256),
    initial: null,
    initialText: 'none',
    accepted: 'the id of an access key',
    description: 'The id of the key. One that may put, read and delete objects below the prefix is enough.',
    example: 'AKIAEXAMPLE',
  }),
  'backup.s3.secret_key': secret({
    schema: text(1024),
    initialText: 'none',
    accepted: 'the secret of the access key',
    description: 'The secret of the key.',
  }),
} as const;
