import type { Clock } from '../../base/clock.ts';
import type { LoopLag } from '../../base/loop-watch.ts';
import type { Store } from '../../base/store.ts';
import type { DatabaseCheckOptions } from './checks/database.ts';
import type { Announcement, BridgeStanding, BrokerStanding } from './checks/network.ts';
import type { ClientStanding, JobProblem } from './checks/parts.ts';
import type { BackupHealth, CertificateHealth, Check } from './types.ts';

import { cardWearCheck, readWriteCounts } from './checks/card-wear.ts';
import { clockCheck } from './checks/clock.ts';
import { databaseCheck } from './checks/database.ts';
import { diskCheck } from './checks/disk.ts';
import { eventLoopCheck } from './checks/event-loop.ts';
import { memoryCheck } from './checks/memory.ts';
import { brokerCheck, homekitCheck, mdnsCheck } from './checks/network.ts';
import { backupsCheck, certificatesCheck, clientsCheck, jobsCheck } from './checks/parts.ts';

/** What is looked at. What is off answers null. */
export interface HealthSources {
  readonly folder: string;
  readonly store: Pick<Store, 'write' | 'fault' | 'file' | 'counters'>;
  readonly clock: Clock;
  readonly lag: () => LoopLag;
  readonly lastSearchForDamage: DatabaseCheckOptions['lastSearch'];
  readonly announced: () => readonly Announcement[] | null;
  readonly bridges: () => readonly BridgeStanding[] | null;
  readonly broker: () => BrokerStanding | null;
  readonly clients: () => readonly ClientStanding[];
  readonly jobs: () => readonly JobProblem[];
  readonly backups: () => BackupHealth | null;
  readonly certificates: () => readonly CertificateHealth[];
}

/** Everything that the running hub looks at, in the order in which it is told. */
export function hubChecks(sources: HealthSources): Check[] {
  const { folder, store, clock } = sources;
  return [
    databaseCheck({ store, clock, lastSearch: sources.lastSearchForDamage }),
    diskCheck(folder),
    cardWearCheck(clock, () => readWriteCounts(folder)),
    memoryCheck(),
    eventLoopCheck(sources.lag),
    clockCheck(clock),
    mdnsCheck({ announced: sources.announced }),
    homekitCheck(sources.bridges),
    brokerCheck(sources.broker),
    clientsCheck(sources.clients),
    jobsCheck(sources.jobs),
    backupsCheck(clock, sources.backups),
    certificatesCheck(clock, sources.certificates),
  ];
}
