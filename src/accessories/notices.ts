/** What a person has to know before pairing; null where the accessory says that it is free. */
export function pairingNotice(isPairable: boolean): string | null {
  return isPairable
    ? null
    : 'This accessory is paired already, with Apple Home or another hub, and an accessory takes only one. To add it here, remove it there first: rooms, scenes and automations that use it there are lost. Or leave it where it is.';
}

/** Which categories of accessory there are (HomeKit Accessory Protocol, table 13-1), by their number less one. */
const CATEGORIES =
  'other bridge fan garage_door_opener lightbulb door_lock outlet switch thermostat sensor security_system door window window_covering programmable_switch range_extender ip_camera video_doorbell air_purifier heater air_conditioner humidifier dehumidifier apple_tv homepod speaker airport sprinkler faucet shower_head television target_controller wifi_router audio_receiver tv_set_top_box tv_streaming_stick'.split(
    ' ',
  );

export function categoryName(category: number | null): string | null {
  return category === null ? null : (CATEGORIES[category - 1] ?? null);
}
