/** What the hub has no use for yet, in the words of a person who wonders why the device can't do it. */
const SENTENCES: Readonly<Record<string, string>> = {
  camera: 'Cameras are not supported yet: the hub takes no pictures over MQTT.',
  image: 'Images are not supported yet: the hub takes no pictures over MQTT.',
  date: 'Settings that are a date are not supported yet.',
  datetime: 'Settings that are a date and time are not supported yet.',
  time: 'Settings that are a time of day are not supported yet.',
  tag: 'Readers of NFC tags are not supported yet.',
  notify: 'Devices that show notifications are not supported yet.',
  infrared: 'Senders of infrared codes are not supported yet.',
};

/** Why a component of this type has no capabilities: it is kept and listed with this sentence. */
export function unsupportedSentence(type: string): string {
  const sentence = Object.hasOwn(SENTENCES, type) ? SENTENCES[type] : undefined;
  return sentence ?? `Components of the type "${type}" are not supported yet.`;
}
