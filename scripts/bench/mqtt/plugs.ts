import type { MqttClient } from 'mqtt';

/** Devices as Zigbee2MQTT describes and tells of them: metering plugs with four components. */
const SENSORS = [
  { key: 'power', unit: 'W', deviceClass: 'power' },
  { key: 'energy', unit: 'kWh', deviceClass: 'energy' },
  { key: 'temperature', unit: '°C', deviceClass: 'temperature' },
] as const;

export const COMPONENTS_PER_PLUG = SENSORS.length + 1;

/** A state in which each value is another one than in the message before. @param marker the power, where it matters */
export function toState(count: number, marker: number | null = null): string {
  return JSON.stringify({
    energy: 100 + (count % 9973) / 100,
    last_seen: '2026-01-01T12:00:00+01:00',
    linkquality: 60 + (count % 120),
    power: marker ?? (count % 1999) / 10,
    power_outage_memory: 'restore',
    state: count % 2 === 0 ? 'ON' : 'OFF',
    temperature: 18 + (count % 97) / 10,
    update: { installed_version: 33816645, latest_version: 33816645, state: 'idle' },
    voltage: 228 + (count % 9),
  });
}

export interface Description {
  readonly topic: string;
  readonly payload: string;
}

/** The four descriptions of a plug whose states come on `<base>/<number>`. */
export function describePlug(base: string, number: number): Description[] {
  const topic = `${base}/${number}`;
  const ieee = `0x00158d000${String(number).padStart(7, '0')}`;
  const device = {
    identifiers: [`zigbee2mqtt_${ieee}`],
    name: `Plug ${number}`,
    manufacturer: 'Bench',
    model: 'Metering plug',
    sw_version: '33816645',
    via_device: 'zigbee2mqtt_bridge_bench',
  };
  const shared = {
    availability: [{ topic: `${base}/bridge/state`, value_template: '{{ value_json.state }}' }],
    device,
    origin: { name: 'Zigbee2MQTT', sw: '2.6.0', url: 'https://www.zigbee2mqtt.io' },
    state_topic: topic,
  };
  const plug = {
    ...shared,
    command_topic: `${topic}/set`,
    name: null,
    payload_off: 'OFF',
    payload_on: 'ON',
    unique_id: `${ieee}_switch_zigbee2mqtt`,
    value_template: '{{ value_json["state"] }}',
  };
  return [
    { topic: `homeassistant/switch/${ieee}/switch/config`, payload: JSON.stringify(plug) },
    ...SENSORS.map(({ key, unit, deviceClass }) => ({
      topic: `homeassistant/sensor/${ieee}/${key}/config`,
      payload: JSON.stringify({
        ...shared,
        device_class: deviceClass,
        state_class: key === 'energy' ? 'total_increasing' : 'measurement',
        unit_of_measurement: unit,
        unique_id: `${ieee}_${key}_zigbee2mqtt`,
        value_template: `{{ value_json["${key}"] }}`,
      }),
    })),
  ];
}

/** Publishes what a bridge with so many plugs retains: that it is there, and all descriptions in one breath. */
export async function announcePlugs(client: MqttClient, base: string, count: number): Promise<void> {
  const published = [
    client.publishAsync(`${base}/bridge/state`, '{"state":"online"}', { retain: true, qos: 1 }),
  ];
  for (let number = 0; number < count; number++) {
    for (const { topic, payload } of describePlug(base, number)) {
      published.push(client.publishAsync(topic, payload, { retain: true, qos: 1 }));
    }
  }
  await Promise.all(published);
}
