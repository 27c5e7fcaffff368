/** What a person needs to connect things to the hub; holds secrets, so it goes to a terminal and never to the log. */
export interface PairingInfo {
  readonly httpUrl: string;
  /** Null where TLS is off. */
  readonly tls?: {
    readonly url: string;
    /** `sha256/…` of the public key. */
    readonly fingerprint: string;
  } | null;
  /** Null where HomeKit is switched off. */
  readonly homekit: {
    readonly pin: string;
    /** The bridge's HAP device id, `XX:XX:XX:XX:XX:XX`. */
    readonly username: string;
    readonly port: number;
    /** `X-HM://…`, what the QR code holds. */
    readonly setupUri: string;
    readonly paired: boolean;
    /** Further bridges of a home with more devices than one bridge holds, each with a code of its own. */
    readonly more?: readonly HomekitPairing[];
  } | null;
  /** Null where the hub has no broker of its own. */
  readonly mqtt: {
    readonly url: string;
    /** With TLS; null or absent where there is none. */
    readonly tlsUrl?: string | null;
    readonly username: string;
    readonly password: string;
    /** Where a generated password stands; null when it was configured. */
    readonly file: string | null;
    /** It stands there sealed, so that it has to be shown. */
    readonly sealed?: boolean;
  } | null;
  /** The one-time code that makes the owner; null once there is one. */
  readonly setupCode: string | null;
}

/** What pairs a phone with one further bridge. */
export interface HomekitPairing {
  readonly name: string;
  readonly pin: string;
  readonly username: string;
  readonly port: number;
  readonly setupUri: string;
  readonly paired: boolean;
}

/** A code that pairs one phone; a secret for ten minutes. */
export interface PhonePairing {
  readonly username: string;
  readonly code: string;
  /** `funkygibbon://pair?…`, what the QR code holds. */
  readonly uri: string;
  readonly expires_at: string;
}

/** What the hub answers on its control socket. */
export interface HubStatus {
  readonly version: string;
  readonly node_id: string;
  readonly uptime_s: number;
  readonly http_url: string;
  readonly mqtt_url: string | null;
  readonly homekit: {
    /** Of the first bridge, as the next one. */
    readonly port: number;
    readonly paired: boolean;
    /** Of all bridges. */
    readonly accessories: number;
    readonly bridges: readonly {
      readonly number: number;
      readonly name: string;
      readonly port: number;
      readonly paired: boolean;
      readonly controllers: number;
      readonly accessories: number;
      /** Why it does not run, or null. */
      readonly problem: string | null;
    }[];
  } | null;
  /** Devices, rooms, people, notes …: whatever the home graph holds now. */
  readonly entities: number;
  readonly devices: number;
  readonly storage_fault: string | null;
}
