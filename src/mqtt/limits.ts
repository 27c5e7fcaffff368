/**
 * What a device, or somebody who pretends to be one, can make the hub keep. Honest discovery payloads have up to about
 * 30 KiB; what is larger is Zigbee2MQTT's retained list of its devices with all their features, 5 to 10 KiB for each:
 * a limit below that would cut off every large Zigbee network at each start.
 */
export const LIMITS = {
  /** One MQTT packet. */
  packetBytes: 4 * 1024 * 1024,
  /** A packet above this is large: it is collected only while all large ones together stay below `largeBytes`. */
  largePacketBytes: 64 * 1024,
  largeBytes: 24 * 1024 * 1024,
  /** Everything that a connection may send before it has shown its password. */
  bytesBeforeLogin: 64 * 1024,
  connections: 500,
  connectTimeoutMs: 10_000,
  /** How long a client that does not read may hold up the others before it is cut off. */
  drainTimeoutMs: 5_000,
  /** How long an order's sender waits for clients that do not read what the broker has for them. */
  handOverMs: 250,
  clientIdChars: 256,
  topicChars: 1024,
  topicLevels: 32,
  subscriptionsPerClient: 2_000,
  /** Of all filters of a client together: a session that is kept writes them to disk. */
  filterCharsPerClient: 64 * 1024,
  /** Messages with QoS 2 that a client has begun and not finished. */
  inflightQos2: 32,
  /** Sessions that outlive their connection. */
  sessions: 500,
  /** Of one named user, so that it cannot push out those of the others. */
  sessionsPerUser: 50,
  /** A session whose client does not come back for so long is forgotten. */
  sessionExpiryMs: 7 * 24 * 60 * 60 * 1000,
  queuedPerSession: 1_000,
  queuedBytesPerSession: 1024 * 1024,
  /** Of all sessions together. */
  queuedBytes: 24 * 1024 * 1024,
  /** Named users of the embedded broker. */
  users: 500,
  filtersPerUser: 50,
  filterChars: 256,
  /** Passwords that wait to be checked; each takes 4 MiB and some milliseconds, one after the other. */
  passwordChecks: 64,
  retainedTopics: 10_000,
  retainedBytes: 32 * 1024 * 1024,
  discoveryPayloadBytes: 256 * 1024,
  discoveryDepth: 32,
  componentsPerDevice: 512,
  components: 5_000,
  /** Discovery messages that wait for their turn; beyond this they are handled at once. */
  discoveryQueue: 20_000,
  /** A state message above this is ignored: it would be parsed on the event loop. */
  statePayloadBytes: 256 * 1024,
  /** What is kept of a component's last message, for whoever asks where a value comes from. */
  excerptBytes: 2048,
  /** Choices of an enumeration, effects of a light. */
  options: 200,
  /** Characters of a text value. */
  textChars: 1024,
} as const;
