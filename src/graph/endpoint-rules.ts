/**
 * Which kinds of thing an edge of each type usually joins, as `from>to`: what the clients that exist make
 * (INBETWEENIES-V2.md 3.3, both tables). `*` is anything. People are right more often than tables: an unusual pair is
 * accepted with a warning.
 */
const USUAL_PAIRS: Readonly<Record<string, readonly string[]>> = {
  located_in: pairs('device door window accessory', 'room zone').concat(
    pairs('room', 'zone home'),
    pairs('zone', 'home'),
    pairs('device accessory', 'home'),
  ),
  contained_in: ['*>*'],
  part_of: pairs('room zone', 'home').concat(
    pairs('device', 'zone device'),
    pairs('service', 'accessory device'),
  ),
  controls: pairs('device automation', 'device').concat(pairs('schedule', 'device automation')),
  connects_to: pairs('room door window', 'room').concat(pairs('zone', 'zone')),
  manages: pairs('automation', 'device').concat(
    pairs('schedule', 'automation'),
    pairs('app', 'device automation schedule room'),
  ),
  documented_by: pairs('device', 'manual procedure note').concat(
    pairs('home room procedure', 'manual'),
    pairs('room home door', 'note'),
  ),
  procedure_for: pairs('procedure', 'device home room'),
  triggered_by: pairs('automation', 'device schedule').concat(pairs('schedule', 'automation')),
  depends_on: ['*>*'],
  monitors: pairs('device', 'room zone device').concat(pairs('automation', 'device')),
  automates: pairs('automation', 'device room zone').concat(pairs('schedule', 'device')),
  controlled_by_app: pairs('device home automation', 'app'),
  has_blob: pairs('device manual app home', 'note'),
  has_photo: ['*>photo'],
};

/** A sentence for a person when an edge joins kinds of things that it seldom joins; undefined when all is usual. */
export function endpointWarning(type: string, fromType: string, toType: string): string | undefined {
  const usual = USUAL_PAIRS[type] ?? [];
  const isUsual = [`${fromType}>${toType}`, `*>${toType}`, '*>*'].some((pair) => usual.includes(pair));
  if (isUsual) return undefined;
  return `${type} from a ${fromType} to a ${toType} is unusual; it was stored. Usual are ${usual.join(', ')}.`;
}

function pairs(from: string, to: string): string[] {
  return from.split(' ').flatMap((a) => to.split(' ').map((b) => `${a}>${b}`));
}
