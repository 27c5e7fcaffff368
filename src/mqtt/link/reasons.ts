/** What a broker means, for a person; the codes of MQTT 3.1.1 (CONNACK) and of MQTT 5. */
const WORDS: Readonly<Record<number, string>> = {
  1: 'it does not speak this version of MQTT',
  2: 'it does not take the client id',
  3: 'it is not available at the moment',
  4: 'wrong user name or password',
  5: 'this user is not let in',
  128: 'it gives no reason',
  129: 'it could not read the packet',
  130: 'it says that the protocol was not followed',
  131: 'it does not take this packet',
  132: 'it does not speak this version of MQTT',
  133: 'it does not take the client id',
  134: 'wrong user name or password',
  135: 'this user may not do that',
  136: 'it is not available at the moment',
  137: 'it is busy',
  138: 'it has banned this client',
  139: 'it is shutting down',
  140: 'it wants another way of authentication',
  141: 'it heard nothing for too long',
  142: 'another client came with the same client id',
  143: 'it does not take this topic filter',
  144: 'it does not take this topic',
  147: 'too many messages at once',
  148: 'it does not take this topic alias',
  149: 'the packet is too large for it',
  150: 'too many messages in a short time',
  151: 'a quota is used up',
  152: 'its administrator has cut the connection',
  153: 'the payload is not in the format that was announced',
  154: 'it keeps no retained messages',
  155: 'it does not take this QoS',
  156: 'another broker is to be used',
  157: 'another broker is to be used from now on',
  158: 'it knows no shared subscriptions',
  159: 'too many connections in a short time',
  160: 'the connection has lasted as long as it may',
  161: 'it knows no subscription identifiers',
  162: 'it knows no wildcards in subscriptions',
};

/** "Unacceptable protocol version", of MQTT 3.1.1 and of MQTT 5. */
const REFUSED_VERSION = new Set([1, 132]);
/** "Bad user name or password" and "not authorized", of both. */
const REFUSED_LOGIN = new Set([4, 5, 134, 135]);

export function isRefusedVersion(code: number): boolean {
  return REFUSED_VERSION.has(code);
}

export function isRefusedLogin(code: number): boolean {
  return REFUSED_LOGIN.has(code);
}

/** The words for a reason code, with the code for whoever looks it up. */
export function reasonText(code: number): string {
  return `${WORDS[code] ?? 'the broker refused'} (reason code ${code})`;
}

/** Errors of TLS that do not go away by waiting, and what to do about each. */
const TLS_ADVICE: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: 'no authority that the hub knows vouches for its certificate. Set mqtt.tls.ca',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'its certificate vouches for itself. Set mqtt.tls.ca to a copy of that certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'no authority that the hub knows vouches for its certificate. Set mqtt.tls.ca to the one that does',
  UNABLE_TO_GET_ISSUER_CERT: 'the authority of its certificate is not known. Set mqtt.tls.ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'the authority of its certificate is not known. Set mqtt.tls.ca to the one that vouches for it',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by the authority of mqtt.tls.ca',
  ERR_TLS_CERT_ALTNAME_INVALID:
    'its certificate is for another name. Use that name in mqtt.url, or set mqtt.tls.server_name',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'it asks for a client certificate. Set mqtt.tls.cert and mqtt.tls.key',
};

/** What to do about an error of TLS; undefined where waiting may help, as with a clock that is not set yet. */
export function tlsAdvice(code: string | undefined): string | undefined {
  return code === undefined ? undefined : TLS_ADVICE[code];
}
