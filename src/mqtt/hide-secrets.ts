/** Names under which devices tell what is nobody's business: credentials, codes of locks, where somebody is. */
const SECRET_NAME =
  /(pass(word|wd)?|pwd|psk|secret|token|api_?key|network_?key|pin(_?code)?|user_?code|ssid|latitude|longitude|^lat$|^lon$|email)/i;

const PAIR = /"((?:[^"\\]|\\.){1,64})"\s*:\s*("(?:[^"\\]|\\.)*"?|-?\d[\d.eE+-]*|\[[^\]]*\]?|\{[^{}]*\}?)/g;

/** A payload with the values of what sounds like a secret replaced, for a report that is pasted somewhere. */
export function hideSecrets(payload: string): string {
  return payload.replaceAll(PAIR, (pair, name: string, value: string) =>
    SECRET_NAME.test(name) ? pair.slice(0, pair.length - value.length) + '"…"' : pair,
  );
}
