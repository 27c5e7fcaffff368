import { LIMITS } from './limits.ts';

/** Whether a message may be published to the topic: a broker cuts the connection of a client that gets this wrong. */
export function isPublishTopic(topic: string): boolean {
  return isBounded(topic) && !/[+#\0]/.test(topic);
}

/** Whether the text can be subscribed to: `+` and `#` stand alone in their level, `#` comes last. */
export function isFilter(filter: string): boolean {
  if (!isBounded(filter) || filter.includes('\0')) return false;
  const levels = filter.split('/');
  return levels.every((level, index) =>
    level === '#'
      ? index === levels.length - 1
      : level === '+' || !(level.includes('+') || level.includes('#')),
  );
}

function isBounded(text: string): boolean {
  return text.length > 0 && text.length <= LIMITS.topicChars && levelCount(text) <= LIMITS.topicLevels;
}

function levelCount(topic: string): number {
  let count = 1;
  for (let at = topic.indexOf('/'); at !== -1; at = topic.indexOf('/', at + 1)) count += 1;
  return count;
}

export function hasWildcard(filter: string): boolean {
  return filter.includes('+') || filter.includes('#');
}

/**
 * A filter as a function; MQTT 3.1.1 section 4.7: a wildcard at the start never matches a topic that begins with `$`.
 * Every message of the broker is held against each filter with a wildcard, so that it makes no parts of the topic.
 */
export function filterMatcher(filter: string): (topic: string) => boolean {
  if (!hasWildcard(filter)) return (topic) => topic === filter;
  const levels = filter.split('/');
  const open = levels.at(-1) === '#';
  const fixed = open ? levels.slice(0, -1) : levels;
  const hidesDollar = levels[0] === '+' || levels[0] === '#';
  return (topic) => {
    if (hidesDollar && topic.startsWith('$')) return false;
    // Where the next level begins; behind the topic's end once there is none.
    let from = 0;
    for (const level of fixed) {
      if (from > topic.length) return false;
      const slash = topic.indexOf('/', from);
      const end = slash === -1 ? topic.length : slash;
      if (level !== '+' && (level.length !== end - from || !topic.startsWith(level, from))) return false;
      from = end + 1;
    }
    return open || from > topic.length;
  };
}
