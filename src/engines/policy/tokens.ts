// The tokens of a Cedar text with their places: for positions in messages, and to cut a file into policies.
// It never decides what a policy means; the library's parser does, and check.ts holds the two together.

export interface Token {
  readonly kind: 'word' | 'number' | 'string' | 'sign'
  readonly text: string
  readonly start: number
  readonly end: number
}

const TOKEN =
  /[\s\uFEFF]+|\/\/[^\n\r]*|([_a-zA-Z][_a-zA-Z0-9]*)|(\d+)|("(?:[^"\\]|\\[\s\S])*")|(::|[\s\S])/g

/** Comments and white space are left out. An unfinished string comes as a sign. */
export function* tokens(text: string): Generator<Token> {
  for (const match of text.matchAll(TOKEN)) {
    const [whole, word, number, string, sign] = match
    const start = match.index
    const end = start + whole.length
    if (word !== undefined) yield { kind: 'word', text: whole, start, end }
    else if (number !== undefined) yield { kind: 'number', text: whole, start, end }
    else if (string !== undefined) yield { kind: 'string', text: whole, start, end }
    else if (sign !== undefined) yield { kind: 'sign', text: whole, start, end }
  }
}

/** A policy's place in its file: from its first token to its semicolon. */
export interface Slice {
  readonly start: number
  readonly text: string
  readonly tokens: readonly Token[]
}

/** Cuts a file at the semicolons; what is left without one is the last slice. Token places are the file's. */
export function slices(text: string): readonly Slice[] {
  const found: Slice[] = []
  let open: Token[] = []
  const close = () => {
    const first = open[0]
    const last = open.at(-1)
    if (first && last) {
      found.push({ start: first.start, text: text.slice(first.start, last.end), tokens: open })
    }
    open = []
  }
  for (const token of tokens(text)) {
    open.push(token)
    if (token.kind === 'sign' && token.text === ';') close()
  }
  close()
  return found
}

/** The literal value of a string token, quotes off and escapes read (Cedar has Rust's escapes). */
export function unquote(token: string): string {
  return token
    .slice(1, -1)
    .replace(/\\(?:u\{([0-9a-fA-F]+)\}|x([0-9a-fA-F]{2})|([\s\S]))/g, (_, unicode, hex, plain) => {
      if (unicode !== undefined)
        return String.fromCodePoint(Math.min(Number.parseInt(unicode, 16), 0x10ffff))
      if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16))
      return escapes.get(plain) ?? plain
    })
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['0', '\0'],
])

/** Turns offsets into lines and columns, both from 1; columns count characters as editors do. */
export class Places {
  readonly #text: string
  readonly #lineStarts: readonly number[]
  #bytes: Uint32Array | undefined

  constructor(text: string) {
    this.#text = text
    const starts = [0]
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
    this.#lineStarts = starts
  }

  at(offset: number): { line: number; column: number } {
    let low = 0
    let high = this.#lineStarts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#lineStarts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return { line: low + 1, column: offset - (this.#lineStarts[low] ?? 0) + 1 }
  }

  /** The library counts UTF-8 bytes; this gives the index in the text. */
  fromBytes(bytes: number): number {
    this.#bytes ??= byteOffsets(this.#text)
    let low = 0
    let high = this.#bytes.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#bytes[middle] ?? 0) <= bytes) low = middle
      else high = middle
    }
    return low
  }
}

function byteOffsets(text: string): Uint32Array {
  const offsets = new Uint32Array(text.length + 1)
  let bytes = 0
  for (let index = 0; index < text.length; index++) {
    offsets[index] = bytes
    const unit = text.charCodeAt(index)
    const half = unit >= 0xd800 && unit < 0xe000
    bytes += unit < 0x80 ? 1 : unit < 0x800 || half ? 2 : 3
  }
  offsets[text.length] = bytes
  return offsets
}
