// What was typed on a terminal, line by line, as far as the terminal showed it back. A line of which the very next thing
// shown is anything else than its own letters is held back whole, and only that there was one is told: so is what is typed
// at a prompt without echo, and what is masked where it is shown. Nothing comes out of here that the output does not have.
import { Buffer } from 'node:buffer'
import { wholeCharacters } from './characters.ts'

export type TypedPiece =
  | { readonly at: number; readonly text: string }
  /** A line that was not shown back. */
  | { readonly at: number; readonly withheld: true }

/** Of a line, and of what was not shown back yet, in characters. */
const MOST_WAITING = 8 * 1024
/** Behind one that waits. */
const MOST_LINES = 256
const ESCAPE = '\u001b'
/** Return, line feed, and giving up or ending a line. */
const LINE_ENDS = ['\r', '\n', '\u0003', '\u0004']
/**
 * Keys that are no text and come as sequences, without their ESC: those that no letter can be spelt with. Terminals can be
 * told to send letters as sequences (`CSI 104 u`), so any other one counts as hidden.
 */
const KEY =
  /^(?:\[(?:1;\d)?[A-DFHPQS]|\[[1-9]\d?(?:;\d)?~|\[20[01]~|O[A-DFHMP-S]|\[[IO]|\[\d{1,4};\d{1,4}R|\[[?>][\d;]{1,32}c)/
const LONGEST_KEY = 40
/** What a terminal obeys and does not show, without its ESC. */
const SEQUENCE =
  /^(?:\[([0-?]*)[ -/]*([@-~])|[\]P^_X]\P{Cc}*(?:\p{Cc}\\?)|(?![[\]P^_X])[ -/]*[0-~])/u
/** A sequence that is not whole yet; a longer one is none. */
const LONGEST_SEQUENCE = 4 * 1024

interface Line {
  pieces: { at: number; text: string }[]
  /** Of all of them. */
  length: number
  /** Its letters that were not shown back yet. */
  waiting: string[]
  /** Those that were, since the last key that is none. */
  shown: string[]
  hidden: boolean
  /** When it was ended; undefined: it is being typed. */
  endedAt: number | undefined
}

export class EchoedInput {
  /** In order; the last one is being typed. */
  #lines: Line[] = [blank()]
  /** Letters that wait in all of them. */
  #waiting = 0
  #rest = Buffer.alloc(0)
  #decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  /** What was shown and is not told apart yet. */
  #unread = ''
  /** How far the cursor went back over letters of the line. */
  #back = 0

  /** Typed at that time. Gives what is known of it, or of what came before, from now on. */
  typed(at: number, bytes: Uint8Array): readonly TypedPiece[] {
    const all = Buffer.concat([this.#rest, bytes])
    const whole = wholeCharacters(all)
    this.#rest = Buffer.from(all.subarray(whole))
    // What is no UTF-8 is a replacement character in it, and hides its line.
    const text = all.subarray(0, whole).toString('utf8')
    for (let from = 0; from < text.length; ) {
      // Nothing of a hidden line counts but that it ends.
      if (this.#line.hidden) {
        this.#line.pieces = [{ at, text: '' }]
        from = lineEnd(text, from)
        if (from === text.length) break
      }
      const character = keyAt(text, from)
      from += character.length
      this.#take(at, character)
    }
    return this.#known()
  }

  /** Sent to the terminal. */
  shown(bytes: Uint8Array): readonly TypedPiece[] {
    // Nothing to look for: half a sequence that is not seen here cannot let a line through by itself.
    if (this.#waiting === 0) return []
    const text = this.#unread + this.#decoder.decode(bytes, { stream: true })
    let from = 0
    while (from < text.length && this.#waiting > 0) {
      const character = String.fromCodePoint(text.codePointAt(from) ?? 0)
      if (character !== ESCAPE) {
        from += character.length
        this.#see(character)
        continue
      }
      const found = SEQUENCE.exec(text.slice(from + 1))
      if (found === null && text.length - from < LONGEST_SEQUENCE) break
      const [all = '', count, final] = found ?? []
      from += 1 + all.length
      if (final === 'D') this.#move(Number(count || 1))
      if (final === 'C') this.#move(-Number(count || 1))
    }
    this.#unread = text.slice(from)
    if (this.#waiting === 0) {
      this.#unread = ''
      this.#decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    }
    return this.#known()
  }

  /** Nothing comes any more: what was not shown back never will be. */
  end(): readonly TypedPiece[] {
    for (const line of this.#lines) {
      if (line.waiting.length > 0) this.#hide(line)
      line.endedAt ??= line.pieces.at(-1)?.at
    }
    return this.#known()
  }

  get #line(): Line {
    return this.#lines.at(-1) as Line
  }

  #take(at: number, character: string): void {
    const line = this.#line
    const key = character.startsWith(ESCAPE) || isControl(character)
    const last = line.pieces.at(-1)
    if (last?.at === at) last.text += character
    else line.pieces.push({ at, text: character })
    line.length += character.length
    if (character === ESCAPE || character === '\ufffd') this.#hide(line)
    else if (key) {
      line.shown = []
      this.#back = 0
    } else if (!line.hidden) {
      line.waiting.push(character)
      this.#waiting += 1
    }
    if (line.length > MOST_WAITING) this.#hide(line)
    if (line.hidden) line.pieces = [{ at, text: '' }]
    if (LINE_ENDS.includes(character)) {
      line.endedAt = at
      this.#lines.push(blank())
    }
    if (this.#waiting > MOST_WAITING || this.#lines.length > MOST_LINES)
      for (const each of this.#lines) if (each.waiting.length > 0) this.#hide(each)
  }

  /** Shown on the terminal: the letter that waits longest is this one, or its line is not shown back. */
  #see(character: string): void {
    if (character === '\b') this.#move(1)
    if (isControl(character)) return
    for (const line of this.#lines) {
      if (line.waiting.length === 0) continue
      const again = this.#back > 0 ? line.shown[line.shown.length - this.#back] : undefined
      // An editor of lines writes again what stands before the letter.
      if (again === character) {
        this.#back -= 1
        return
      }
      if (this.#back === 0 && line.waiting[0] === character) {
        line.shown.push(character)
        line.waiting.shift()
        this.#waiting -= 1
        return
      }
      // At the edge of the screen some write a blank to get to the next row.
      if (character === ' ') return
      this.#hide(line)
      this.#back = 0
    }
  }

  #move(back: number): void {
    const line = this.#lines.find(({ waiting }) => waiting.length > 0)
    this.#back = Math.min(Math.max(0, this.#back + back), line?.shown.length ?? 0)
  }

  #hide(line: Line): void {
    line.hidden = true
    this.#waiting -= line.waiting.length
    line.waiting = []
    line.shown = []
  }

  /** Lines that are over, and of which it is known whether they were shown back. */
  #known(): readonly TypedPiece[] {
    const known: TypedPiece[] = []
    for (;;) {
      const [line] = this.#lines
      if (line?.endedAt === undefined || line.waiting.length > 0) return known
      if (line.hidden) known.push({ at: line.endedAt, withheld: true })
      else known.push(...line.pieces)
      this.#lines.shift()
      if (this.#lines.length === 0) this.#lines.push(blank())
    }
  }
}

function blank(): Line {
  return { pieces: [], length: 0, waiting: [], shown: [], hidden: false, endedAt: undefined }
}

function lineEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && !LINE_ENDS.includes(text[at] ?? '')) at += 1
  return at
}

/** A letter, a control, or the sequence of a key that is known. */
function keyAt(text: string, from: number): string {
  const character = String.fromCodePoint(text.codePointAt(from) ?? 0)
  if (character !== ESCAPE) return character
  return character + (KEY.exec(text.slice(from + 1, from + LONGEST_KEY))?.[0] ?? '')
}

function isControl(character: string): boolean {
  const code = character.charCodeAt(0)
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
}
