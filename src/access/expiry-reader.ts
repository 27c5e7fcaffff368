import type { Db } from '../base/db.ts';

/** Rows of what comes to an end by itself. */
export interface Leftovers {
  readonly refreshTokens: number;
  readonly sessions: number;
  readonly guests: number;
  readonly pairingCodes: number;
  readonly keySecrets: number;
}

export function countLeftovers(db: Db): Leftovers {
  const row = db.get<Leftovers>(
    `SELECT (SELECT count(*) FROM access_refresh_token) AS refreshTokens,
            (SELECT count(*) FROM access_session) AS sessions,
            (SELECT count(*) FROM access_guest_code) AS guests,
            (SELECT count(*) FROM access_pairing_code) AS pairingCodes,
            (SELECT count(*) FROM access_api_secret) AS keySecrets`,
  );
  return row ?? { refreshTokens: 0, sessions: 0, guests: 0, pairingCodes: 0, keySecrets: 0 };
}
