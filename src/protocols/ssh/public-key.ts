// Public keys in their one-line form (RFC 4253 section 6.6; sshd(8), AUTHORIZED_KEYS FILE FORMAT).
import { createPublicKey, type KeyObject } from 'node:crypto'

export interface PublicKey {
  readonly type: string
  /** As it goes over the wire: length-prefixed type and numbers. */
  readonly blob: Buffer
}

const TYPES: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
]

/** `TYPE BASE64 [comment]`; undefined when it is not a key of a type that we take, or contradicts itself. */
export function readPublicKey(line: string): PublicKey | undefined {
  const [type = '', base64 = ''] = line.trim().split(/[ \t]+/)
  if (!TYPES.includes(type) || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined
  const blob = Buffer.from(base64, 'base64')
  // The type inside is what counts on the wire.
  const length = blob.length < 4 ? 0 : blob.readUInt32BE(0)
  return blob.toString('latin1', 4, 4 + length) === type ? { type, blob } : undefined
}

/** Our own Ed25519 key as the wire has it (RFC 8709 section 4). */
export function ed25519Blob(key: KeyObject): Buffer {
  return Buffer.concat([text('ssh-ed25519'), bytes(rawPublic(key))])
}

/** The line for a client's known_hosts, or for `hostKeys`. */
export function publicKeyLine(key: KeyObject): string {
  return `ssh-ed25519 ${ed25519Blob(key).toString('base64')}`
}

/** The private key in OpenSSH's own file form (PROTOCOL.key), which is what the library reads. */
export function opensshPrivateKey(key: KeyObject): string {
  const seed = Buffer.from(String(key.export({ format: 'jwk' }).d), 'base64url')
  const open = rawPublic(key)
  // Two equal numbers let a reader of encrypted files see a wrong passphrase; nothing is encrypted here.
  const check = Buffer.from('0000000000000000', 'hex')
  const secret = [
    check,
    text('ssh-ed25519'),
    bytes(open),
    bytes(Buffer.concat([seed, open])),
    text(''),
  ]
  const body = Buffer.concat(secret)
  const padding = Buffer.from(
    Array.from({ length: (8 - (body.length % 8)) % 8 }, (_, at) => at + 1),
  )
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    text('none'),
    text('none'),
    text(''),
    Buffer.from([0, 0, 0, 1]),
    bytes(ed25519Blob(key)),
    bytes(Buffer.concat([body, padding])),
  ])
  const lines = file.toString('base64').match(/.{1,70}/g) ?? []
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`
}

function rawPublic(key: KeyObject): Buffer {
  const open = key.type === 'private' ? createPublicKey(key) : key
  return Buffer.from(String(open.export({ format: 'jwk' }).x), 'base64url')
}

function bytes(value: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(value.length)
  return Buffer.concat([length, value])
}

function text(value: string): Buffer {
  return bytes(Buffer.from(value, 'latin1'))
}
