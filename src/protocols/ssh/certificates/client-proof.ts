// What a client's certificate proves: the credential that it was issued for, when all of it holds and the key in it
// signed this very login.
import type { KeyObject } from 'node:crypto'
import { BlockList, isIP } from 'node:net'
import { ByteReader } from '#engines/wire'
import { AuthenticationFailed, isGatewayError } from '#model'
import { type Certificate, readCertificate } from './certificate.ts'
import { textOf } from './fields.ts'
import { signed } from './subject-key.ts'

export const SOURCE_ADDRESS = 'source-address'

/** By what a login names: the type of the certificate, and what its key signs with. */
const ALGORITHMS: ReadonlyMap<string, { readonly type: string; readonly signature: string }> =
  new Map(
    [
      ['ssh-ed25519', 'ssh-ed25519'],
      ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
      ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
      ['ecdsa-sha2-nistp521', 'ecdsa-sha2-nistp521'],
      ['rsa-sha2-256', 'ssh-rsa'],
      ['rsa-sha2-512', 'ssh-rsa'],
    ].map(([signature = '', type = '']) => [
      `${signature}-cert-v01@openssh.com`,
      { type, signature },
    ]),
  )

export interface ShownKey {
  /** As the login names it. */
  readonly algorithm: string
  readonly blob: Uint8Array
  /** Undefined: the client only asks whether this one would do. */
  readonly signature: Uint8Array | undefined
  /** What the signature must be over: this connection, this login, this certificate. */
  readonly bytes: Uint8Array | undefined
}

export interface Circumstances {
  readonly authority: KeyObject
  readonly resource: string
  readonly ip: string
  readonly now: number
}

export const isCertificate = (algorithm: string): boolean => ALGORITHMS.has(algorithm)

/**
 * The id of the credential behind it. `proven` is false when nothing was signed: a question proves nothing (CVE-2024-45337).
 * Throws AuthenticationFailed; why is for our own eyes.
 */
export function judgeCertificate(
  shown: ShownKey,
  circumstances: Circumstances,
): { readonly id: string; readonly proven: boolean } {
  try {
    const certificate = readCertificate(shown.blob, circumstances.authority)
    const algorithm = ALGORITHMS.get(shown.algorithm)
    const { subject, id } = certificate
    if (algorithm === undefined || algorithm.type !== subject.type)
      throw refused('is not of the type that the login names')
    holds(certificate, circumstances)
    if (shown.signature === undefined || shown.bytes === undefined) return { id, proven: false }
    if (!signed(subject, algorithm.signature, shown.signature, shown.bytes))
      throw refused('is not of the key that signed')
    return { id, proven: true }
  } catch (cause) {
    if (cause instanceof AuthenticationFailed || !isGatewayError(cause)) throw cause
    // Not passed over: what cannot be read proves nothing.
    throw new AuthenticationFailed('credential_invalid', cause.message, { cause })
  }
}

function holds(certificate: Certificate, { resource, ip, now }: Circumstances): void {
  const { kind, principals, validAfter, validBefore, options } = certificate
  if (kind !== 'user') throw refused('is not for a user')
  const seconds = BigInt(Math.floor(now / 1_000))
  if (seconds < validAfter || seconds >= validBefore) throw refused('is not of this time')
  if (!principals.includes(resource)) throw refused('is for another resource')
  for (const [name, value] of options) {
    // A critical option that we do not know is one that we cannot keep.
    if (name !== SOURCE_ADDRESS) throw refused('asks for what is not known here')
    if (!isWithin(ip, sourceOf(value))) throw refused('is for another address')
  }
}

function sourceOf(value: Uint8Array): string {
  const reader = new ByteReader(value)
  const text = textOf(reader, value.length)
  reader.expectEnd()
  return text
}

/** `list`: addresses and networks, with commas between. Of what is not one of these, nobody is part. */
export function isWithin(ip: string, list: string): boolean {
  const networks = readNetworks(list)
  const family = isIP(ip)
  return (
    networks !== undefined && family !== 0 && networks.check(ip, family === 4 ? 'ipv4' : 'ipv6')
  )
}

/** Undefined when one of them is no address or network. */
export function readNetworks(list: string): BlockList | undefined {
  const networks = new BlockList()
  for (const each of list.split(',')) {
    const [, address = '', bits] = /^([0-9A-Fa-f.:]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(each) ?? []
    const family = isIP(address)
    const all = family === 4 ? 32 : 128
    const length = bits === undefined ? all : Number(bits)
    if (family === 0 || length > all) return undefined
    networks.addSubnet(address, length, family === 4 ? 'ipv4' : 'ipv6')
  }
  return networks
}

function refused(what: string): AuthenticationFailed {
  return new AuthenticationFailed('credential_invalid', `the certificate ${what}`)
}
