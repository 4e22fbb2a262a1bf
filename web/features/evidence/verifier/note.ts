// The key and the signed head: C2SP signed-note and tlog-checkpoint, as strict as the specification.
import { Broken, type Bytes, fromBase64, hex, joined, same, sha256, utf8 } from './bytes.ts'

const ED25519 = 0x01

export interface Key {
  readonly vkey: string
  readonly name: string
  /** Eight hex digits. */
  readonly id: string
  readonly raw: Bytes
}

export interface Head {
  readonly note: string
  readonly origin: string
  readonly size: number
  readonly root: Bytes
  /** What was signed. */
  readonly text: string
  readonly signature: Bytes
}

/** `name+id+base64(type || key)`, where the id is the beginning of a hash over the rest. */
export async function readKey(vkey: string): Promise<Key> {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) ?? []
  const typed = encoded === undefined ? undefined : fromBase64(encoded)
  if (name === undefined || id === undefined || typed === undefined)
    throw new Broken('This is not a public key in the form of a vkey.')
  if (typed.length !== 33 || typed[0] !== ED25519)
    throw new Broken('The public key is not one of Ed25519.')
  const hash = await sha256(joined(utf8(`${name}\n`), typed))
  if (hex(hash.slice(0, 4)) !== id)
    throw new Broken('The id in the public key is not that of its name and bytes.')
  return { vkey, name, id, raw: typed.slice(1) }
}

/** Reads the head out of its note. Says nothing about the signature yet. */
export function readHead(note: string, key: Key): Head {
  const end = note.lastIndexOf('\n\n')
  if (end < 0 || !note.endsWith('\n')) throw new Broken('The head is not a signed note.')
  const text = note.slice(0, end + 1)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: signed-note forbids exactly these
  if (/[\x00-\x09\x0b-\x1f]/.test(text) || !note.isWellFormed())
    throw new Broken('The head has characters that a note may not have.')
  const [origin, size, root, ...more] = text.split('\n')
  if (origin !== key.name) throw new Broken(`The head is of another log than the key.`)
  if (
    size === undefined ||
    !/^(0|[1-9]\d{0,15})$/.test(size) ||
    !Number.isSafeInteger(Number(size))
  )
    throw new Broken('The head has no size.')
  const hash = fromBase64(root ?? '')
  if (hash?.length !== 32 || more.length !== 1) throw new Broken('The head has no root hash.')
  const signature = ownSignature(note.slice(end + 2, -1).split('\n'), key)
  return { note, origin, size: Number(size), root: hash, text, signature }
}

/** The one signature of this key. Lines of others (witnesses) may stand beside it. */
function ownSignature(lines: readonly string[], key: Key): Bytes {
  const id = Uint8Array.from(key.id.match(/../g) ?? [], byte => Number.parseInt(byte, 16))
  const own: Bytes[] = []
  for (const line of lines) {
    const [, name, encoded] = /^\u2014 ([^+\s]+) ([A-Za-z0-9+/=]+)$/.exec(line) ?? []
    const bytes = encoded === undefined ? undefined : fromBase64(encoded)
    if (bytes === undefined || bytes.length <= 4)
      throw new Broken('A line of signatures under the head cannot be read.')
    if (name === key.name && same(bytes.slice(0, 4), id)) own.push(bytes.slice(4))
  }
  const [signature] = own
  if (signature === undefined || own.length !== 1 || signature.length !== 64)
    throw new Broken('The head does not have exactly one signature of this key.')
  return signature
}

/** Undefined where this browser cannot tell: its WebCrypto has no Ed25519. */
export async function isSigned(head: Head, key: Key): Promise<boolean | undefined> {
  let imported: CryptoKey
  try {
    imported = await crypto.subtle.importKey('raw', key.raw, 'Ed25519', false, ['verify'])
  } catch (error) {
    // Older browsers do not know the name. Bytes that are no key of theirs are a key that signs nothing.
    if (error instanceof Error && error.name === 'NotSupportedError') return undefined
    return false
  }
  return crypto.subtle.verify('Ed25519', imported, head.signature, utf8(head.text))
}

/** What a note says of itself, for a list of many: nothing is checked. */
export function partsOf(note: string): { readonly root: string; readonly keyId: string } {
  const root = fromBase64(note.split('\n')[2] ?? '')
  const signature = fromBase64(/\n\u2014 [^+\s]+ (\S+)\n/.exec(note)?.[1] ?? '')
  return {
    root: root === undefined ? 'unreadable' : hex(root),
    keyId: signature === undefined ? 'unreadable' : hex(signature.slice(0, 4)),
  }
}
