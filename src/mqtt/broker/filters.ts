import { filterMatcher } from '../topics.ts';

/** What a client may do, worked out when it connects. Absent where there is nothing to ask. */
export interface Permits {
  /** Whether it may publish to the topic. */
  readonly publish: (topic: string) => boolean;
  /** Whether it may subscribe to the filter. */
  readonly subscribe: (filter: string) => boolean;
}

const EVERYTHING = '#';

/** Puts a user's filters into the form in which they are asked about with each message. */
export function permitsOf(
  filters: { readonly publish: readonly string[]; readonly subscribe: readonly string[] },
  who: { readonly user: string; readonly clientId: string },
): Permits {
  const publish = filters.publish.flatMap((filter) => filledIn(filter, who));
  const subscribe = filters.subscribe.flatMap((filter) => filledIn(filter, who));
  const matchers = publish.map(filterMatcher);
  const levels = subscribe.map((filter) => filter.split('/'));
  return {
    publish: publish.includes(EVERYTHING)
      ? (topic) => !topic.startsWith('$')
      : (topic) => matchers.some((matches) => matches(topic)),
    subscribe: (filter) => {
      const wanted = filter.split('/');
      return levels.some((allowed) => covers(allowed, wanted));
    },
  };
}

/** Replaces `%u` and `%c`. A client id is what the client says it is: with a wildcard in it, it would open everything. */
function filledIn(filter: string, { user, clientId }: { user: string; clientId: string }): string[] {
  if (filter.includes('%c') && (clientId === '' || /[/+#\0]/.test(clientId))) return [];
  return [filter.replaceAll(/%[uc]/g, (placeholder) => (placeholder === '%u' ? user : clientId))];
}

/** Whether each topic that `wanted` matches is matched by `allowed` too. */
function covers(allowed: readonly string[], wanted: readonly string[]): boolean {
  const [first = ''] = wanted;
  // MQTT 3.1.1 section 4.7.2: a wildcard at the start never matches the broker's own topics.
  if (first.startsWith('$') && allowed[0] !== first) return false;
  for (const [index, level] of allowed.entries()) {
    if (level === '#') return true;
    const asked = wanted[index];
    if (asked === undefined || asked === '#') return false;
    if (level !== '+' && level !== asked) return false;
  }
  return wanted.length === allowed.length;
}
