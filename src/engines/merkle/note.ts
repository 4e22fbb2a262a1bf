// C2SP signed-note: a text and Ed25519 signatures (type 0x01) over it, and the vkey form of a public key.
// Strict where a lenient reader could be shown two readings of one note.
import { createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto'
import { ConfigurationError } from '#model'

const ED25519 = 0x01
const KEY_ID_BYTES = 4
const DASH = '\u2014 '
const MOST_SIGNATURES = 64

/** Who may sign: a name and the Ed25519 key that goes with it. */
export interface NoteVerifier {
  readonly name: string
  readonly keyId: Uint8Array
  readonly publicKey: KeyObject
}

/** A private Ed25519 key under a name. */
export interface NoteSigner {
  readonly name: string
  readonly privateKey: KeyObject
}

/** `name+hash+base64(type || key)`. */
export function formatVkey(name: string, publicKey: KeyObject): string {
  checkName(name)
  const key = typedKey(publicKey)
  return `${name}+${Buffer.from(keyIdOf(name, key)).toString('hex')}+${key.toString('base64')}`
}

/** Reads a vkey. Throws ConfigurationError when it is none, or not of Ed25519. */
export function parseVkey(vkey: string): NoteVerifier {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) ?? []
  const key = encoded === undefined ? undefined : strictBase64(encoded)
  if (name === undefined || key === undefined || key.length !== 33 || key[0] !== ED25519) {
    throw new ConfigurationError('configuration_invalid', 'This is not the vkey of an Ed25519 key.')
  }
  const keyId = keyIdOf(name, key)
  if (Buffer.from(keyId).toString('hex') !== id) {
    throw new ConfigurationError(
      'configuration_invalid',
      'The key hash of the vkey does not match its key.',
    )
  }
  const x = key.subarray(1).toString('base64url')
  return {
    name,
    keyId,
    publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }),
  }
}

/** The note: the text, an empty line, one signature line. `text` ends with a newline. */
export function signNote(text: string, signer: NoteSigner): string {
  if (!isNoteText(text))
    throw new RangeError('a note ends with a newline and has no control characters')
  checkName(signer.name)
  const keyId = keyIdOf(signer.name, typedKey(createPublicKey(signer.privateKey)))
  const signature = sign(null, Buffer.from(text, 'utf8'), signer.privateKey)
  const line = Buffer.concat([keyId, signature]).toString('base64')
  return `${text}\n${DASH}${signer.name} ${line}\n`
}

/**
 * The text of a note that `verifier` signed; undefined for anything else. Lines of other signers (witnesses)
 * are passed over; a second line of the same key, or one that is malformed, spoils the note.
 */
export function openNote(note: string, verifier: NoteVerifier): string | undefined {
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n')) return undefined
  const text = note.slice(0, end + 1)
  const lines = note.slice(end + 2, -1).split('\n')
  if (!isNoteText(text) || lines.length > MOST_SIGNATURES) return undefined
  let found = 0
  for (const line of lines) {
    const [, name, encoded] = /^\u2014 ([^+\s]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? []
    const bytes = encoded === undefined ? undefined : strictBase64(encoded)
    if (name === undefined || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined
    if (
      name !== verifier.name ||
      Buffer.compare(bytes.subarray(0, KEY_ID_BYTES), verifier.keyId) !== 0
    )
      continue
    const signature = bytes.subarray(KEY_ID_BYTES)
    if (signature.length !== 64) return undefined
    if (!verify(null, Buffer.from(text, 'utf8'), verifier.publicKey, signature)) return undefined
    found++
  }
  return found === 1 ? text : undefined
}

/** Base64 with its only spelling: padding present, spare bits zero. */
export function strictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

function typedKey(publicKey: KeyObject): Buffer {
  const { x } = publicKey.export({ format: 'jwk' })
  if (publicKey.asymmetricKeyType !== 'ed25519' || x === undefined) {
    throw new ConfigurationError(
      'configuration_invalid',
      'The signing key of the audit log is not Ed25519.',
    )
  }
  return Buffer.concat([Buffer.of(ED25519), Buffer.from(x, 'base64url')])
}

/** SHA-256(name || 0x0A || type || key), first four bytes. */
function keyIdOf(name: string, typed: Uint8Array): Uint8Array {
  return hash(
    'sha256',
    Buffer.concat([Buffer.from(`${name}\n`, 'utf8'), typed]),
    'buffer',
  ).subarray(0, KEY_ID_BYTES)
}

function checkName(name: string): void {
  if (!/^[^+\s]+$/.test(name) || !name.isWellFormed()) {
    throw new ConfigurationError(
      'configuration_invalid',
      'A key name has no spaces and no plus sign.',
    )
  }
}

function isNoteText(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: signed-note forbids exactly these
  return text.endsWith('\n') && text.isWellFormed() && !/[\x00-\x09\x0b-\x1f]/.test(text)
}
