// Our own certificate authority: makes it, keeps it under the data folder, issues certificates with it.
// One key per direction: `server-ca` signs only our listeners. A CA that clients or upstreams are asked to
// trust for another role must be another key (CVE catalogue: one CA for two roles means lateral movement).
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type webcrypto,
  X509Certificate,
} from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { ConfigurationError } from '#model'
import { createOnce, replace } from './key-files.ts'

const DAY_MS = 86_400_000
const CA_DAYS = 3_650
const CA_RENEW_DAYS = 365
/** Browsers refuse more than 398; ours is reissued long before. */
const LEAF_DAYS = 90
/** Certificates begin a little in the past, for peers whose clock is slow. */
const BACKDATE_MS = 3_600_000
const P256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export interface IssuedCertificate {
  /** PEM: the leaf, then the CA. */
  readonly certificate: string
  /** PEM, PKCS #8. */
  readonly key: string
  /** Unix ms. */
  readonly notAfter: number
}

export interface Authority {
  /** PEM; also in `ca.pem` under the data folder. */
  readonly certificate: string
  /** A server certificate for these DNS names and IP addresses, with a new key that is never on disk. */
  issueServer(names: readonly string[]): Promise<IssuedCertificate>
}

/**
 * Opens the CA of our listeners under `folder`, and makes it at the first start: the key in
 * `keys/server-ca.key` (mode 0600), the certificate in `ca.pem`. Safe for several processes at once.
 */
export async function openServerAuthority(options: {
  folder: string
  now: () => number
}): Promise<Authority> {
  const { folder, now } = options
  const keyFile = join(folder, 'keys', 'server-ca.key')
  const certificateFile = join(folder, 'ca.pem')
  mkdirSync(join(folder, 'keys'), { recursive: true, mode: 0o700 })
  if (!existsSync(keyFile)) {
    createOnce(keyFile, (await newKey()).pem, 0o600)
  }
  if ((statSync(keyFile).mode & 0o077) !== 0 && process.platform !== 'win32') {
    throw new ConfigurationError(
      'configuration_invalid',
      `${keyFile} can be read by others, who could stand in for this gateway. Set its mode to 0600.`,
    )
  }
  const keyPem = readFileSync(keyFile, 'utf8')
  const keys = await importKey(keyPem, keyFile)
  const kept = readCertificate(certificateFile, keyPem, now())
  const certificate = kept ?? (await issueRoot(keys, now()))
  if (kept === undefined) replace(certificateFile, certificate, 0o644)
  return {
    certificate,
    issueServer: names => issueLeaf(keys, certificate, names, now()),
  }
}

/** The certificate on disk, when it belongs to this key and has a year to go. */
function readCertificate(file: string, keyPem: string, now: number): string | undefined {
  if (!existsSync(file)) return undefined
  const pem = readFileSync(file, 'utf8')
  try {
    const certificate = new X509Certificate(pem)
    const ours = certificate.checkPrivateKey(createPrivateKey(keyPem))
    const lasts = certificate.validToDate.getTime() - now > CA_RENEW_DAYS * DAY_MS
    return ours && lasts ? pem : undefined
  } catch {
    // Not a certificate: it is public and can be made again from the key.
    return undefined
  }
}

async function newKey(): Promise<{ keys: webcrypto.CryptoKeyPair; pem: string }> {
  const keys = await crypto.subtle.generateKey(P256, true, ['sign', 'verify'])
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const body = pkcs8.toString('base64').match(/.{1,64}/g) ?? []
  return {
    keys,
    pem: `-----BEGIN PRIVATE KEY-----\n${body.join('\n')}\n-----END PRIVATE KEY-----\n`,
  }
}

async function importKey(pem: string, file: string): Promise<webcrypto.CryptoKeyPair> {
  try {
    const privateKey = createPrivateKey(pem)
    const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
    const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' })
    return {
      privateKey: await crypto.subtle.importKey('pkcs8', pkcs8, P256, false, ['sign']),
      publicKey: await crypto.subtle.importKey('spki', spki, P256, true, ['verify']),
    }
  } catch (error) {
    // Never replaced silently: clients trust the certificate that goes with the lost key.
    throw new ConfigurationError(
      'configuration_invalid',
      `${file} is not a P-256 private key. Bring it back from a backup; without it a new CA is made, which clients have to be given.`,
      { cause: error },
    )
  }
}

/** Loaded when a certificate must be issued, which most starts of a CLI never do. */
async function x509() {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

async function issueRoot(keys: webcrypto.CryptoKeyPair, now: number): Promise<string> {
  const lib = await x509()
  const spki = await crypto.subtle.exportKey('spki', keys.publicKey)
  const print = createHash('sha256').update(Buffer.from(spki)).digest('hex')
  const certificate = await lib.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    // The key's print keeps the CAs of two gateways apart in one trust store, and makes two processes
    // that start at once agree on the name.
    name: `CN=Sallyport server CA ${print.slice(0, 8)}`,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    keys,
    signingAlgorithm: P256,
    extensions: [
      new lib.BasicConstraintsExtension(true, 0, true),
      new lib.KeyUsagesExtension(lib.KeyUsageFlags.keyCertSign | lib.KeyUsageFlags.cRLSign, true),
      await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return `${certificate.toString('pem')}\n`
}

async function issueLeaf(
  authority: webcrypto.CryptoKeyPair,
  root: string,
  names: readonly string[],
  now: number,
): Promise<IssuedCertificate> {
  const lib = await x509()
  const issuer = new lib.X509Certificate(root)
  const { keys, pem } = await newKey()
  const notAfter = Math.min(now + LEAF_DAYS * DAY_MS, issuer.notAfter.getTime())
  const certificate = await lib.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: 'CN=sallyport',
    issuer: issuer.subject,
    notBefore: new Date(now - BACKDATE_MS),
    notAfter: new Date(notAfter),
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    signingAlgorithm: P256,
    extensions: [
      new lib.BasicConstraintsExtension(false, undefined, true),
      new lib.KeyUsagesExtension(lib.KeyUsageFlags.digitalSignature, true),
      new lib.ExtendedKeyUsageExtension([lib.ExtendedKeyUsage.serverAuth], false),
      new lib.SubjectAlternativeNameExtension(
        names.map(name => ({ type: isIP(name) === 0 ? 'dns' : 'ip', value: name })),
      ),
      await lib.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await lib.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  })
  return { certificate: `${certificate.toString('pem')}\n${root}`, key: pem, notAfter }
}

/** 127 random bits, positive (RFC 5280 section 4.1.2.2: at most 20 octets, never zero). */
function newSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return Buffer.from(bytes).toString('hex')
}
