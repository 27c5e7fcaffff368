/** Where a publisher describes its things, https://www.home-assistant.io/integrations/mqtt/#discovery-topic. */
export interface DiscoveryTopic {
  /** The component's type, or `device` for a payload that describes several components. */
  readonly component: string;
  /** Node and object, or the object alone: what the identity is made of. */
  readonly path: readonly string[];
}

const SUFFIX = '/config';
const ID = /^[A-Za-z0-9_-]+$/;

/** The filters that cover all forms of discovery topics. */
export function discoveryFilters(prefix: string): readonly string[] {
  return [`${prefix}/+/+/config`, `${prefix}/+/+/+/config`];
}

/** Undefined for a topic that is no discovery topic, or whose ids hold other characters than the format allows. */
export function parseDiscoveryTopic(prefix: string, topic: string): DiscoveryTopic | undefined {
  if (!topic.startsWith(`${prefix}/`) || !topic.endsWith(SUFFIX)) return undefined;
  const levels = topic.slice(prefix.length + 1, -SUFFIX.length).split('/');
  const [component, ...path] = levels;
  if (component === undefined || path.length < 1 || path.length > 2) return undefined;
  return levels.every((level) => ID.test(level)) ? { component, path } : undefined;
}
