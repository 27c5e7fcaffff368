/**
 * Somebody else's accessory: a hap-nodejs server in a process of its own, on loopback and without mDNS, unless it is given
 * an address, which it is then announced by. It can be killed and started again on the same folder and port, and takes
 * orders over IPC.
 */
import {
  Accessory,
  Bridge,
  Characteristic,
  HAPServer,
  HAPStorage,
  HapStatusError,
  Service,
  uuid,
  type Perms,
} from '@homebridge/hap-nodejs';

import type { HapServerInternals } from '../../src/homekit/hap-internals.ts';

import { watchResponder } from '../../src/homekit/mdns-responder.ts';

export type Order =
  /** `characteristic` by its display name: `Motion Detected`. */
  | { do: 'set'; service: string; characteristic: string; value: number | boolean }
  | { do: 'press'; value: number }
  | { do: 'drop' }
  | { do: 'grow' }
  | { do: 'fail'; on: boolean };

export interface ChildReady {
  readonly port: number;
}

const EVE_POWER = 'E863F10D-079E-48FF-8F27-9C2605A29F52';

const [, , folder = '', kind = 'light', username = 'CA:FE:00:00:00:01', port = '0', address] = process.argv;
let mustFail = false;
const services = new Map<string, Service>();

HAPStorage.setCustomStoragePath(folder);
Object.defineProperty(HAPServer.prototype, 'listen', {
  value(this: unknown, wanted = 0) {
    (this as HapServerInternals).httpServer.listen(wanted, address ?? '127.0.0.1');
  },
});

const accessory = make(kind);
accessory.on('identify', (_paired, done) => done());
const responder = watchResponder(address !== undefined);
accessory.once('listening', (listening) => process.send?.({ port: listening } satisfies ChildReady));
await accessory.publish({
  username,
  pincode: '031-45-154',
  category: 2,
  port: Number(port),
  ...(address === undefined ? {} : { bind: address }),
});
responder.restore();

process.on('message', (order: Order) => {
  obey(order);
  process.send?.('done');
});
process.on('disconnect', () => process.exit(0));

function obey(order: Order): void {
  const { connections } = (accessory._server as unknown as HapServerInternals).httpServer;
  switch (order.do) {
    case 'set':
      services.get(order.service)?.updateCharacteristic(order.characteristic, order.value);
      break;
    case 'press':
      services
        .get('button')
        ?.getCharacteristic(Characteristic.ProgrammableSwitchEvent)
        .sendEventNotification(order.value);
      break;
    case 'drop':
      for (const one of connections) {
        (one as unknown as { tcpSocket: { destroy(): void } }).tcpSocket.destroy();
      }
      break;
    case 'grow':
      add(accessory, 'grown', new Service.Switch('Grown', 'grown'));
      break;
    case 'fail':
      mustFail = order.on;
      break;
  }
}

function make(what: string): Accessory {
  if (what !== 'bridge') return fill(new Accessory(`A ${what}`, uuid.generate(what)), what);
  const bridge = new Bridge('A bridge', uuid.generate('bridge'));
  for (const one of ['light', 'thermostat', 'lock', 'sensor', 'button']) {
    bridge.addBridgedAccessory(fill(new Accessory(`A ${one}`, uuid.generate(`bridged ${one}`)), one));
  }
  return bridge;
}

function fill(one: Accessory, what: string): Accessory {
  one
    .getService(Service.AccessoryInformation)
    ?.setCharacteristic(Characteristic.Manufacturer, 'Acme')
    .setCharacteristic(Characteristic.Model, `Model ${what}`)
    .setCharacteristic(Characteristic.SerialNumber, `serial-${what}`)
    .setCharacteristic(Characteristic.FirmwareRevision, '1.2.3');
  switch (what) {
    case 'light': {
      const light = add(one, 'light', new Service.Lightbulb('Lamp'));
      light.getCharacteristic(Characteristic.On).onSet(() => {
        if (mustFail) throw new HapStatusError(-70402);
      });
      light.updateCharacteristic(Characteristic.Brightness, 40);
      light.updateCharacteristic(Characteristic.Hue, 120);
      light.updateCharacteristic(Characteristic.Saturation, 50);
      light.addCharacteristic(
        new Characteristic('Consumption', EVE_POWER, {
          format: 'float',
          perms: ['pr' as Perms.PAIRED_READ, 'ev' as Perms.NOTIFY],
        }),
      );
      light.updateCharacteristic('Consumption', 7.5);
      break;
    }
    case 'thermostat': {
      const thermostat = add(one, 'thermostat', new Service.Thermostat('Heating'));
      thermostat
        .getCharacteristic(Characteristic.TargetHeatingCoolingState)
        .setProps({ validValues: [0, 1, 3] });
      thermostat.updateCharacteristic(Characteristic.CurrentTemperature, 20.5);
      thermostat.updateCharacteristic(Characteristic.TargetTemperature, 21);
      break;
    }
    case 'lock': {
      const lock = add(one, 'lock', new Service.LockMechanism('Front door'));
      lock.updateCharacteristic(Characteristic.LockCurrentState, 1);
      lock.updateCharacteristic(Characteristic.LockTargetState, 1);
      const target = lock.getCharacteristic(Characteristic.LockTargetState);
      target.setProps({ perms: [...target.props.perms, 'tw' as Perms.TIMED_WRITE] });
      target.onSet((value) => {
        lock.updateCharacteristic(Characteristic.LockCurrentState, value);
      });
      break;
    }
    case 'sensor':
      add(one, 'motion', new Service.MotionSensor('Hall'));
      add(one, 'temperature', new Service.TemperatureSensor('Hall'));
      add(one, 'custom', new Service('Odd', 'AAAAAAAA-079E-48FF-8F27-9C2605A29F52'));
      break;
    default:
      add(one, 'button', new Service.StatelessProgrammableSwitch('Button'));
  }
  return one;
}

function add(one: Accessory, name: string, service: Service): Service {
  services.set(name, one.addService(service));
  return service;
}
