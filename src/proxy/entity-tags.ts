// Entity tags (RFC 9110 section 8.8.3) while something is masked for whoever asks. Many are made of the very bytes, a hash of them: as
// they are, hidden values could be guessed by the tag of an answer, or by asking whether one fits. Clients get them sealed, and of what
// they send only what was sealed for the same principal, resource and path means anything.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

/** Of this process: what another one sealed, or this one before it was started again, fits nothing. */
const SEALING = randomBytes(32)
const HIDING = randomBytes(32)
const CIPHER = 'aes-256-ctr'
const MARK_BYTES = 16
const LONGEST_TAG = 512
/** How long a tag is tells of the body, where its length stands in it. */
const STEP = 64
const SIGN = 's.'

const TAG = /^(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/
/** A list of them, and nothing else. */
const TAGS = /^(?:[\t ,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"[\t ]*(?=,|$))+[\t ,]*$/
/** No upstream has it. */
const NONE = `"${randomBytes(12).toString('base64url')}"`

/** Fields of a request by which it holds for some bytes alone; storage services have names of their own for copies. */
const CONDITION = /^(?:if|if-range|(?:.*-)?if-(?:none-)?match)$/
/** What they are about is what the client has: of a masked copy nothing is the same. */
const OF_COPIES = /^(?:if-range|.*if-none-match)$/

const WEAK = 1
const HIDDEN = 2

export interface TagPlace {
  readonly resource: string
  readonly principal: string
  /** As the client asks for it, without its query. */
  readonly path: string
}

/** `hidden`: its body was masked. Undefined: it is none that could be sealed. */
export function sealedTag(value: string, place: TagPlace, hidden: boolean): string | undefined {
  const [, weak, tag] = TAG.exec(value) ?? []
  if (tag === undefined || tag.length > LONGEST_TAG) return undefined
  const flags = (weak === undefined ? 0 : WEAK) | (hidden ? HIDDEN : 0)
  const plain = Buffer.alloc(STEP * Math.ceil((tag.length + 1) / STEP))
  plain[0] = flags
  plain.write(tag, 1, 'latin1')
  const mark = markOf(plain, place)
  const cipher = createCipheriv(CIPHER, HIDING, mark)
  const sealed = Buffer.concat([mark, cipher.update(plain), cipher.final()])
  return `${weak ?? ''}"${SIGN}${sealed.toString('base64url')}"`
}

export function isCondition(name: string): boolean {
  return CONDITION.test(name)
}

/** A condition as the upstream gets it. `masks`: something may be masked, so what was not sealed here fits nothing. */
export function openedCondition(
  name: string,
  value: string,
  place: TagPlace,
  masks: boolean,
): string {
  const ofCopies = OF_COPIES.test(name)
  const opened = (tag: string): string => openedTag(tag, place, ofCopies) ?? (masks ? NONE : tag)
  // RFC 4918 section 10.4: tags stand in brackets there, addresses in angle brackets.
  if (name === 'if')
    return value.replace(/<[^>]*>|\[([^\]]*)\]?/g, (whole, tag: string | undefined) => {
      const known = tag === undefined ? whole : openedTag(tag.trim(), place, ofCopies)
      return tag === undefined || (known === undefined && !masks) ? whole : `[${known ?? NONE}]`
    })
  if (value.trim() === '*') return value
  if (TAGS.test(value)) return value.replace(/(?:W\/)?"[^"]*"/g, opened)
  // What only some servers take for a tag.
  return masks ? NONE : value
}

function openedTag(value: string, place: TagPlace, ofCopies: boolean): string | undefined {
  const [, , tag] = TAG.exec(value) ?? []
  if (tag?.startsWith(SIGN) !== true || tag.length > 2 * LONGEST_TAG) return undefined
  const sealed = Buffer.from(tag.slice(SIGN.length), 'base64url')
  if (sealed.length <= MARK_BYTES) return undefined
  const mark = sealed.subarray(0, MARK_BYTES)
  const decipher = createDecipheriv(CIPHER, HIDING, mark)
  const plain = Buffer.concat([decipher.update(sealed.subarray(MARK_BYTES)), decipher.final()])
  if (!timingSafeEqual(markOf(plain, place), mark)) return undefined
  const flags = plain[0] ?? 0
  if (ofCopies && (flags & HIDDEN) !== 0) return NONE
  const own = plain.toString('latin1', 1).replace(/\0+$/, '')
  return `${(flags & WEAK) === 0 ? '' : 'W/'}"${own}"`
}

/** The same tag at the same place is sealed alike: a request that waits for a person stays the same request. */
function markOf(plain: Buffer, { resource, principal, path }: TagPlace): Buffer {
  return createHmac('sha256', SEALING)
    .update(JSON.stringify([resource, principal, path]))
    .update(plain)
    .digest()
    .subarray(0, MARK_BYTES)
}
