// asciicast v3 (docs.asciinema.org/manual/asciicast/v3), line by line: what a terminal showed, when. Times are relative
// to the line before, so a line can be written as soon as it is known.
import { Buffer } from 'node:buffer'

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
  /** What the client says it is: `xterm-256color`. */
  readonly type?: string | undefined
}

/** What a recording has of one terminal, in order. `at` is Unix ms. */
export type Shown =
  | {
      readonly kind: 'output'
      readonly at: number
      readonly stream: 'output' | 'error'
      readonly bytes: Uint8Array
      /** Of the event in the recording. */
      readonly number?: number | undefined
    }
  | { readonly kind: 'size'; readonly at: number; readonly size: TerminalSize }
  /** Without a text: a line that was typed and not shown back. */
  | { readonly kind: 'input'; readonly at: number; readonly text?: string | undefined }
  | { readonly kind: 'note'; readonly at: number; readonly text: string }
  /** `status`: of what ran; undefined when it did not end by itself. */
  | { readonly kind: 'end'; readonly at: number; readonly status: number | undefined }

/** What nobody said the size of. */
const USUAL: TerminalSize = { columns: 80, rows: 24 }
/** In place of a line. */
const WITHHELD = 'typed, and not shown'
/** JSON leaves these as they are; a terminal that shows the file must not be driven by them. */
const STEERS = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

export class CastWriter {
  #last: number
  readonly #texts = new StreamTexts()
  #size: TerminalSize

  constructor(startedAt: number, size: TerminalSize | undefined) {
    this.#last = startedAt
    // Programs without a window of their own say 0.
    this.#size =
      size === undefined || size.columns === 0 || size.rows === 0 ? { ...size, ...USUAL } : size
  }

  /** The first line. */
  header(title: string): string {
    const { columns: cols, rows, type } = this.#size
    const term = { cols, rows, ...(type === undefined ? {} : { type }) }
    return line({ version: 3, term, timestamp: Math.floor(this.#last / 1_000), title })
  }

  /** A line, or none when there is nothing to say yet. */
  write(shown: Shown): string {
    switch (shown.kind) {
      case 'output': {
        const text = this.#texts.read(shown)
        return text === '' ? '' : this.#event(shown.at, 'o', text)
      }
      case 'size': {
        const { columns, rows } = shown.size
        if (columns === 0 || rows === 0) return ''
        if (columns === this.#size.columns && rows === this.#size.rows) return ''
        this.#size = shown.size
        return this.#event(shown.at, 'r', `${columns}x${rows}`)
      }
      case 'input':
        return shown.text === undefined
          ? this.#event(shown.at, 'm', WITHHELD)
          : this.#event(shown.at, 'i', shown.text)
      case 'note':
        return this.#event(shown.at, 'm', shown.text)
      case 'end': {
        const rest = this.end(shown.at)
        const { status } = shown
        return status === undefined ? rest : rest + this.#event(shown.at, 'x', String(status))
      }
    }
  }

  /** Half a character that never became one. */
  end(at: number): string {
    const rest = this.#texts.end()
    return rest === '' ? '' : this.#event(at, 'o', rest)
  }

  #event(at: number, code: 'o' | 'i' | 'r' | 'm' | 'x', data: string): string {
    const interval = Math.max(0, at - this.#last) / 1_000
    this.#last = Math.max(this.#last, at)
    return line([interval, code, data])
  }
}

/** Output as text. Characters may be cut where pieces are: of each stream on its own. */
export class StreamTexts {
  readonly #decoders = {
    output: new TextDecoder('utf-8', { ignoreBOM: true }),
    error: new TextDecoder('utf-8', { ignoreBOM: true }),
  }

  read({ stream, bytes }: Shown & { kind: 'output' }): string {
    return this.#decoders[stream].decode(bytes, { stream: true })
  }

  /** Half a character that never became one. */
  end(): string {
    return this.#decoders.output.decode() + this.#decoders.error.decode()
  }
}

/** The bytes of a piece of output as recordings have it. */
export function bytesOf(piece: {
  readonly text?: string | undefined
  readonly base64?: string | undefined
}): Uint8Array {
  return piece.base64 === undefined
    ? Buffer.from(piece.text ?? '', 'utf8')
    : Buffer.from(piece.base64, 'base64')
}

function line(value: unknown): string {
  const json = JSON.stringify(value).replace(STEERS, found =>
    [...Array(found.length).keys()]
      .map(at => `\\u${found.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  )
  return `${json}\n`
}
