// Our own masks on their way back: a redaction's mark, or a hash token, in a text or in bytes that are to be stored.
// Whoever was shown one would write it over the value that it stands for.
import { Buffer } from 'node:buffer'
import type { DataClass } from '#model'
import { labelOf, maskSentinel } from './masker.ts'
import { TOKEN_CHARACTERS } from './maskers/hash-token.ts'

const SENTINEL = Buffer.from(maskSentinel, 'utf8')
const TOKEN_START = 'tok_'
const TOKEN_FIRST = TOKEN_START.charCodeAt(0)
const SHORT = 64

/** Looks through data that comes in pieces: true once a mask was in it, however it was cut. */
export type MarkWatch = (bytes: Uint8Array, start: number, end: number) => boolean

export interface Marks {
  /** `tokens`: hash tokens count too, for what is stored. */
  inText(text: string, tokens: boolean): boolean
  inBytes(bytes: Uint8Array, tokens: boolean): boolean
  /** For one stream of data that is to be stored. */
  watch(): MarkWatch
}

/** Masks as these classes write them. */
export function createMarks(classes: readonly DataClass[]): Marks {
  // (Labels hold nothing that a pattern would read otherwise.)
  const labels = classes
    .filter(({ mask }) => mask === 'hash-token')
    .map(({ name }) => labelOf(name))
  const token =
    labels.length === 0
      ? undefined
      : new RegExp(`${TOKEN_START}(?:${labels.join('|')})_[a-z2-7]{${TOKEN_CHARACTERS}}`)
  const longestToken =
    TOKEN_START.length + Math.max(0, ...labels.map(label => label.length)) + 1 + TOKEN_CHARACTERS
  const longest = Math.max(SENTINEL.length, token === undefined ? 0 : longestToken)

  const tokenInText = (text: string): boolean =>
    token !== undefined && text.includes(TOKEN_START) && token.test(text)
  const find = (bytes: Buffer, tokens: boolean): boolean => {
    if (bytes.indexOf(SENTINEL) >= 0) return true
    if (!tokens || token === undefined) return false
    const at = bytes.indexOf(TOKEN_START, 0, 'latin1')
    return at >= 0 && token.test(bytes.toString('latin1', at))
  }

  return {
    inText: (text, tokens) => text.includes(maskSentinel) || (tokens && tokenInText(text)),
    inBytes: (bytes, tokens) => mayHoldMark(bytes) && find(viewOf(bytes, 0, bytes.length), tokens),
    watch() {
      // What a mask may have begun in: the end of all that came, and the beginning of what comes next.
      const seam = Buffer.alloc(2 * (longest - 1))
      let kept = 0
      return (bytes, start, end) => {
        const piece = viewOf(bytes, start, end)
        const head = Math.min(piece.length, longest - 1)
        piece.copy(seam, kept, 0, head)
        const found = find(seam.subarray(0, kept + head), true) || find(piece, true)
        if (piece.length >= longest - 1) {
          kept = longest - 1
          piece.copy(seam, 0, piece.length - kept)
        } else {
          const all = kept + head
          const from = Math.max(0, all - (longest - 1))
          seam.copyWithin(0, from, all)
          kept = all - from
        }
        return found
      }
    },
  }
}

function viewOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
}

/** Most bound values are numbers and words: a short one without a mark's first byte is not searched. */
function mayHoldMark(bytes: Uint8Array): boolean {
  if (bytes.length > SHORT) return true
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === SENTINEL[0] || byte === TOKEN_FIRST) return true
  }
  return false
}
