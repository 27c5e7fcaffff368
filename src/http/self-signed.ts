import { createHash, createPublicKey, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto';
import { isIP, isIPv4 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Safari and iOS take none that is valid for longer than 825 days, not even one that its owner trusts by hand. */
const VALID_MS = 820 * DAY_MS;
/** A device whose clock is a little behind must be able to connect at once. */
const BACKDATED_MS = DAY_MS;
const RENEW_BEFORE_MS = 90 * DAY_MS;

const ECDSA_SHA256 = '1.2.840.10045.4.3.2';
const COMMON_NAME = '2.5.4.3';
const SERVER_AUTHENTICATION = '1.3.6.1.5.5.7.3.1';
const MAX_NAMES = 40;

/** The names under which this machine is called at home. */
export function machineNames(): string[] {
  const full = hostname().toLowerCase();
  const [short = ''] = full.split('.');
  const names = [full, short, `${short}.local`, 'localhost'].filter((name) =>
    /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(name),
  );
  // Addresses of IPv6 change by the day where privacy extensions are on, and nobody types them.
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ address }) => isIPv4(address))
    .map(({ address }) => address);
  return [...new Set([...names, '127.0.0.1', '::1', ...addresses])].slice(0, MAX_NAMES);
}

/** Whether a certificate of ours should be made anew: it is for another key, ends soon, or lacks a name. */
export function needsRenewal(
  cert: string | null,
  key: KeyObject,
  names: readonly string[],
  nowMs: number,
): boolean {
  if (cert === null || !cert.includes('-----BEGIN CERTIFICATE-----')) return true;
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(cert);
  } catch {
    return true;
  }
  if (!certificate.checkPrivateKey(key)) return true;
  if (certificate.validToDate.getTime() - nowMs < RENEW_BEFORE_MS) return true;
  return names.some(
    (name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) === undefined,
  );
}

/**
 * Makes a certificate for `names`, signed with its own key (EC P-256).
 *
 * The library is loaded here because a hub needs it once in two years.
 */
export async function makeCertificate(
  privateKey: KeyObject,
  names: readonly string[],
  nowMs: number,
): Promise<string> {
  const { AsnConvert, OctetString } = await import('@peculiar/asn1-schema');
  const x509 = await import('@peculiar/asn1-x509');
  const spki = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  const name = new x509.Name([
    new x509.RelativeDistinguishedName([
      new x509.AttributeTypeAndValue({
        type: COMMON_NAME,
        value: new x509.AttributeValue({ utf8String: 'FunkyGibbon' }),
      }),
    ]),
  ]);
  const algorithm = new x509.AlgorithmIdentifier({ algorithm: ECDSA_SHA256 });
  const extension = (extnID: string, value: unknown, critical = false) =>
    new x509.Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });
  const tbsCertificate = new x509.TBSCertificate({
    version: x509.Version.v3,
    serialNumber: toArrayBuffer(serialNumber()),
    signature: algorithm,
    issuer: name,
    subject: name,
    validity: new x509.Validity({
      notBefore: wholeSecond(nowMs - BACKDATED_MS),
      notAfter: wholeSecond(nowMs + VALID_MS - BACKDATED_MS),
    }),
    subjectPublicKeyInfo: AsnConvert.parse(spki, x509.SubjectPublicKeyInfo),
    extensions: new x509.Extensions([
      // Not an authority: whoever steals the key of a hub that somebody trusts must not speak for other sites.
      extension(x509.id_ce_basicConstraints, new x509.BasicConstraints({ cA: false }), true),
      extension(x509.id_ce_keyUsage, new x509.KeyUsage(x509.KeyUsageFlags.digitalSignature), true),
      extension(x509.id_ce_extKeyUsage, new x509.ExtendedKeyUsage([SERVER_AUTHENTICATION])),
      extension(
        x509.id_ce_subjectKeyIdentifier,
        new x509.SubjectKeyIdentifier(
          toArrayBuffer(createHash('sha256').update(spki).digest().subarray(0, 20)),
        ),
      ),
      extension(
        x509.id_ce_subjectAltName,
        new x509.SubjectAlternativeName(
          names.map((text) => new x509.GeneralName(isIP(text) ? { iPAddress: text } : { dNSName: text })),
        ),
      ),
    ]),
  });
  const signed = Buffer.from(AsnConvert.serialize(tbsCertificate));
  const certificate = new x509.Certificate({
    tbsCertificate,
    signatureAlgorithm: algorithm,
    signatureValue: toArrayBuffer(sign('sha256', signed, privateKey)),
  });
  return toPem(Buffer.from(AsnConvert.serialize(certificate)));
}

/** RFC 5280, 4.1.2.2: positive, and at most 20 bytes. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes;
}

function wholeSecond(ms: number): Date {
  return new Date(Math.floor(ms / 1000) * 1000);
}

function toArrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function toPem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}
