// DER (X.690), as far as certificates and revocation lists need it read: one element after another, within bounds. What is not
// in its one form is refused; nothing is written.

export interface Element {
  readonly tag: number
  /** With tag and length: what a signature is over. */
  readonly bytes: Uint8Array
  readonly content: Uint8Array
}

export const INTEGER = 0x02
export const BIT_STRING = 0x03
export const OCTET_STRING = 0x04
export const OBJECT = 0x06
export const SEQUENCE = 0x30
export const SET = 0x31
const UTC_TIME = 0x17
const GENERALIZED_TIME = 0x18

export class DerProblem extends Error {}

/** The elements that these bytes are, and nothing behind them. Throws DerProblem. */
export function elements(bytes: Uint8Array): readonly Element[] {
  const found: Element[] = []
  for (let at = 0; at < bytes.length; ) {
    const element = elementAt(bytes, at)
    found.push(element)
    at += element.bytes.length
  }
  return found
}

/** The only element, and of this kind. Throws DerProblem. */
export function only(bytes: Uint8Array, tag: number): Element {
  const [first, second] = elements(bytes)
  if (first?.tag !== tag || second !== undefined) throw new DerProblem('not what is expected')
  return first
}

export function children(element: Element | undefined, tag = SEQUENCE): readonly Element[] {
  if (element?.tag !== tag) throw new DerProblem('not what is expected')
  return elements(element.content)
}

function elementAt(bytes: Uint8Array, at: number): Element {
  const [tag, first] = [bytes[at], bytes[at + 1]]
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f)
    throw new DerProblem('cut short, or a tag of several bytes')
  let [length, size] = [first, 2]
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 3) throw new DerProblem('a length that nobody needs')
    length = 0
    for (let index = 0; index < count; index += 1)
      length = length * 256 + (bytes[at + 2 + index] ?? 0)
    size += count
    if (length < 0x80 || length < 256 ** (count - 1))
      throw new DerProblem('a length written too long')
  }
  if (at + size + length > bytes.length) throw new DerProblem('cut short')
  return {
    tag,
    bytes: bytes.subarray(at, at + size + length),
    content: bytes.subarray(at + size, at + size + length),
  }
}

/** `1.2.840.113549`. */
export function objectId({ tag, content }: Element): string {
  if (tag !== OBJECT || content.length === 0) throw new DerProblem('no object identifier')
  const arcs: number[] = []
  let value = 0
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f)
    if (value > Number.MAX_SAFE_INTEGER / 128) throw new DerProblem('an arc too long')
    if (byte >= 0x80) continue
    arcs.push(value)
    value = 0
  }
  const [first = 0, ...rest] = arcs
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...rest].join('.')
}

/** Hex, in lower case and without leading zeros: the same number is the same text. */
export function integerHex({ tag, content }: Element): string {
  if (tag !== INTEGER || content.length === 0) throw new DerProblem('no integer')
  return Buffer.from(content)
    .toString('hex')
    .replace(/^(?:00)+(?=..)/, '')
}

/** Unix ms. */
export function time({ tag, content }: Element): number {
  const text = Buffer.from(content).toString('latin1')
  const full = tag === UTC_TIME ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full)
  if (parts === null || (tag !== UTC_TIME && tag !== GENERALIZED_TIME))
    throw new DerProblem('no time')
  const [, year, month, day, hour, minute, second] = parts
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
  if (Number.isNaN(ms)) throw new DerProblem('no time')
  return ms
}
