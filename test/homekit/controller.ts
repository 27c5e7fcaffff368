import { HttpClient } from 'hap-controller';

import type { HomekitPart } from '../../src/homekit/types.ts';

/** HAP's short type ids (HomeKit Accessory Protocol, chapters 8 and 9) of what the tests look for. */
export const TYPES = {
  AccessoryInformation: '3E',
  Lightbulb: '43',
  Switch: '49',
  Outlet: '47',
  TemperatureSensor: '8A',
  HumiditySensor: '82',
  MotionSensor: '85',
  ContactSensor: '80',
  LeakSensor: '83',
  OccupancySensor: '86',
  Battery: '96',
  Identify: '14',
  Name: '23',
  Manufacturer: '20',
  Model: '21',
  SerialNumber: '30',
  FirmwareRevision: '52',
  ConfiguredName: 'E3',
  On: '25',
  Brightness: '8',
  Hue: '13',
  Saturation: '2F',
  ColorTemperature: 'CE',
  OutletInUse: '26',
  CurrentTemperature: '11',
  CurrentRelativeHumidity: '10',
  MotionDetected: '22',
  ContactSensorState: '6A',
  LeakDetected: '70',
  OccupancyDetected: '71',
  BatteryLevel: '68',
  StatusLowBattery: '79',
  LightSensor: '84',
  AirQualitySensor: '8D',
  CarbonDioxideSensor: '97',
  CarbonMonoxideSensor: '7F',
  SmokeSensor: '87',
  StatelessProgrammableSwitch: '89',
  Doorbell: '121',
  ServiceLabel: 'CC',
  CurrentAmbientLightLevel: '6B',
  AirQuality: '95',
  PM2_5Density: 'C6',
  PM10Density: 'C7',
  VOCDensity: 'C8',
  CarbonDioxideDetected: '92',
  CarbonDioxideLevel: '93',
  CarbonMonoxideDetected: '69',
  CarbonMonoxideLevel: '90',
  SmokeDetected: '76',
  StatusActive: '75',
  StatusFault: '77',
  StatusTampered: '7A',
  ProgrammableSwitchEvent: '73',
  ServiceLabelIndex: 'CB',
  ServiceLabelNamespace: 'CD',
  CharacteristicValueTransitionControl: '143',
  CharacteristicValueActiveTransitionCount: '24B',
  SupportedCharacteristicValueTransitionConfiguration: '144',
  Door: '81',
  Fanv2: 'B7',
  GarageDoorOpener: '41',
  HeaterCooler: 'BC',
  HumidifierDehumidifier: 'BD',
  LockMechanism: '45',
  SecuritySystem: '7E',
  Thermostat: '4A',
  Valve: 'D0',
  Window: '8B',
  WindowCovering: '8C',
  Active: 'B0',
  CoolingThresholdTemperature: 'D',
  CurrentDoorState: 'E',
  CurrentHeaterCoolerState: 'B1',
  CurrentHeatingCoolingState: 'F',
  CurrentHorizontalTiltAngle: '6C',
  CurrentHumidifierDehumidifierState: 'B3',
  CurrentPosition: '6D',
  HeatingThresholdTemperature: '12',
  HoldPosition: '6F',
  InUse: 'D2',
  LockCurrentState: '1D',
  LockTargetState: '1E',
  ObstructionDetected: '24',
  PositionState: '72',
  RelativeHumidityDehumidifierThreshold: 'C9',
  RelativeHumidityHumidifierThreshold: 'CA',
  RotationDirection: '28',
  RotationSpeed: '29',
  SecuritySystemCurrentState: '66',
  SecuritySystemTargetState: '67',
  SwingMode: 'B6',
  TargetDoorState: '32',
  TargetHeaterCoolerState: 'B2',
  TargetHeatingCoolingState: '33',
  TargetHorizontalTiltAngle: '7B',
  TargetHumidifierDehumidifierState: 'B4',
  TargetPosition: '7C',
  TargetRelativeHumidity: '34',
  TargetTemperature: '35',
  TemperatureDisplayUnits: '36',
  ValveType: 'D5',
} as const;
export type TypeName = keyof typeof TYPES;

export interface HapCharacteristic {
  readonly iid: number;
  readonly type: string;
  readonly value?: unknown;
  readonly minValue?: number;
  readonly maxValue?: number;
  readonly minStep?: number;
  readonly 'valid-values'?: readonly number[];
}
export interface HapService {
  readonly iid: number;
  readonly type: string;
  readonly linked?: readonly number[];
  readonly characteristics: readonly HapCharacteristic[];
}
export interface HapAccessory {
  readonly aid: number;
  readonly services: readonly HapService[];
}

/** What a read or a write answered for one characteristic. */
export interface Answer {
  readonly value?: unknown;
  readonly status?: number;
}

export type PairingData = NonNullable<ReturnType<HttpClient['getLongTermData']>>;

const CALL_LIMIT_MS = 8000;

/** hap-controller's calls never time out by themselves. */
async function limited<T>(what: string, call: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`${what} was not answered`)), CALL_LIMIT_MS);
  try {
    return await Promise.race([call, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Where a bridge is, and its setup code. */
export type Address = Pick<HomekitPart, 'username' | 'port' | 'pin'>;

/** A phone: a real HAP controller over loopback. */
export class Controller implements AsyncDisposable {
  readonly events: { key: string; value: unknown }[] = [];
  readonly #client: HttpClient;
  readonly #part: Address;
  #isSubscribed = false;

  constructor(part: Address, pairing?: PairingData) {
    this.#part = part;
    this.#client = new HttpClient(part.username, '127.0.0.1', part.port, pairing, {
      usePersistentConnections: true,
    });
    this.#client.on('event', (event: { characteristics: { aid: number; iid: number; value: unknown }[] }) => {
      for (const { aid, iid, value } of event.characteristics)
        this.events.push({ key: `${aid}.${iid}`, value });
    });
  }

  static async pair(part: Address): Promise<Controller> {
    const controller = new Controller(part);
    await controller.pair(part.pin);
    return controller;
  }

  get pairing(): PairingData {
    const data = this.#client.getLongTermData();
    if (!data) throw new Error('not paired');
    return data;
  }

  /** Its own id, as the bridge knows it. */
  get id(): string {
    return pairingId(this.pairing);
  }

  async pair(pin: string): Promise<void> {
    await limited('pair setup', this.#client.pairSetup(pin));
  }

  async unpair(): Promise<void> {
    await limited('unpair', this.#client.removePairing(this.pairing.iOSDevicePairingID));
  }

  async identify(): Promise<void> {
    await limited('identify', this.#client.identify());
  }

  async accessories(): Promise<HapAccessory[]> {
    const answer = (await limited('accessories', this.#client.getAccessories())) as unknown as {
      accessories: HapAccessory[];
    };
    return answer.accessories;
  }

  async read(...keys: string[]): Promise<Answer[]> {
    const answer = await limited('read', this.#client.getCharacteristics(keys));
    return answer.characteristics;
  }

  /** Several keys go in one request. The answers are empty when all went well. */
  async write(values: Record<string, unknown>): Promise<Answer[]> {
    const answer = (await limited('write', this.#client.setCharacteristics(values))) as unknown as {
      characteristics?: Answer[];
    } | null;
    return answer?.characteristics ?? [];
  }

  /**
   * Collects events from then on. Once per controller: when hap-controller subscribes twice on one connection it loops
   * for ever at the next event.
   */
  async subscribe(...keys: string[]): Promise<void> {
    if (this.#isSubscribed) throw new Error('subscribe once, or watch from a further connection');
    this.#isSubscribed = true;
    await limited('subscribe', this.#client.subscribeCharacteristics(keys));
  }

  /** A further connection of the same phone that collects events. */
  async watch(...keys: string[]): Promise<Controller> {
    const watcher = new Controller(this.#part, this.pairing);
    await watcher.subscribe(...keys);
    return watcher;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await limited('close', this.#client.close());
  }
}

/** The id that a controller gave itself; hap-controller keeps it in hexadecimal. */
export function pairingId({ iOSDevicePairingID: hex }: PairingData): string {
  return Buffer.from(hex, 'hex').toString();
}

/** The accessory whose information carries the name. */
export function accessoryNamed(accessories: readonly HapAccessory[], name: string): HapAccessory {
  const found = accessories.find((accessory) => valueOf(accessory, 'AccessoryInformation', 'Name') === name);
  if (!found) throw new Error(`no accessory ${name}`);
  return found;
}

export function servicesOf(accessory: HapAccessory, service: TypeName): HapService[] {
  return accessory.services.filter(({ type }) => shortType(type) === TYPES[service]);
}

export function characteristicOf(
  accessory: HapAccessory,
  service: TypeName,
  characteristic: TypeName,
): HapCharacteristic {
  const found = servicesOf(accessory, service)
    .flatMap(({ characteristics }) => characteristics)
    .find(({ type }) => shortType(type) === TYPES[characteristic]);
  if (!found) throw new Error(`no ${service}.${characteristic}`);
  return found;
}

export function valueOf(accessory: HapAccessory, service: TypeName, characteristic: TypeName): unknown {
  return characteristicOf(accessory, service, characteristic).value;
}

/** `aid.iid` of a characteristic. */
export function keyOf(accessory: HapAccessory, service: TypeName, characteristic: TypeName): string {
  return `${accessory.aid}.${characteristicOf(accessory, service, characteristic).iid}`;
}

/** Every id with its type: what must not change for Apple Home to keep rooms and scenes. The order has no meaning. */
export function structureOf(accessory: HapAccessory): string {
  const ids = accessory.services.flatMap((service) => [
    `${service.iid}=${shortType(service.type)}`,
    ...service.characteristics.map(({ iid, type }) => `${service.iid}.${iid}=${shortType(type)}`),
  ]);
  return `${accessory.aid}: ${ids.sort().join(' ')}`;
}

/** hap-controller spells Apple's types out as UUIDs. */
function shortType(type: string): string {
  return type.replace(/-0000-1000-8000-0026BB765291$/i, '').replace(/^0+/, '');
}
