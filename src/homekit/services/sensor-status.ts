import type { Capability } from '../../devices/types.ts';
import type { CharacteristicPlan, ServiceKind, ServicePlan } from '../service-plan.ts';

/** What people rely on to be told: silence of these must not pass for "all is well". */
const WATCHERS: ReadonlySet<ServiceKind> = new Set<ServiceKind>([
  'CarbonMonoxideSensor',
  'ContactSensor',
  'LeakSensor',
  'MotionSensor',
  'OccupancySensor',
  'SmokeSensor',
]);

/**
 * Adds to a service that watches whether it does: StatusActive is false while the device cannot be reached (reads of all
 * else are errors then), StatusFault is 1 while the device is there and its value is not, and StatusTampered is what the
 * device says about itself. Measured values go without: their error says it all.
 */
export function withStatus(plan: ServicePlan, tamper: Capability | undefined): ServicePlan {
  const [main] = plan.characteristics;
  if (!main || !WATCHERS.has(plan.kind)) return plan;
  const status: CharacteristicPlan[] = [
    { kind: 'StatusActive', source: main.source, range: null, read: () => true, offline: false },
    {
      kind: 'StatusFault',
      source: main.source,
      range: null,
      read: (values) => Number(main.read(values) === undefined),
    },
  ];
  if (tamper) {
    status.push({
      kind: 'StatusTampered',
      source: tamper.name,
      range: null,
      // Never an error: Apple Home would show a detector that works as "No Response".
      read: (values) => Number(values.get(tamper.name) === true),
    });
  }
  return { ...plan, characteristics: [...plan.characteristics, ...status] };
}
