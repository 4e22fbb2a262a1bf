// Server-sent events (WHATWG HTML 9.2): the data of an event is one text, JSON as a rule. Held between chunks: the event
// that is not whole yet, so that a stream is late by one event at most.
import { Buffer } from 'node:buffer'
import { Backlog } from './backlog.ts'
import { BodyProblem, type BodyReader } from './body.ts'
import { maskedMessage, maskedText } from './messages.ts'
import { LONGEST_VALUE, type Values } from './values.ts'

const CR = 0x0d
const LF = 0x0a

interface Line {
  readonly text: string
  /** The line break as it was written. */
  readonly ending: string
}

export class EventStreamBody implements BodyReader {
  readonly #values: Values
  readonly #backlog = new Backlog()
  #read = 0
  /** Where the line begins that is not whole yet. */
  #line = 0
  /** The last event ended with a CR: a LF that follows is of the same line break. */
  #half = false
  #first = true

  constructor(values: Values) {
    this.#values = values
  }

  write(chunk: Uint8Array): Uint8Array[] {
    if (chunk.includes(0)) throw new BodyProblem('encoding', 'It is not a text: it holds a NUL.')
    const log = this.#backlog
    log.add(chunk)
    const out: Uint8Array[] = []
    let at = log.from + this.#read
    let line = log.from + this.#line
    for (; at < log.to; at++) {
      const byte = log.bytes[at]!
      const half = this.#half
      this.#half = byte === CR
      if (byte !== CR && byte !== LF) continue
      if (byte === LF && half) {
        // The second half of a line break. When the event is gone already, it goes after it.
        if (at === log.from) {
          out.push(Buffer.from('\n'))
          log.from = at + 1
        }
        line = at + 1
        continue
      }
      const blank = at === line
      line = at + 1
      if (!blank) continue
      out.push(this.#event(at + 1))
      log.from = at + 1
    }
    this.#read = at - log.from
    this.#line = line - log.from
    if (this.#read > LONGEST_VALUE) throw new BodyProblem('too_long', 'An event is too long.')
    return out
  }

  end(): Uint8Array[] {
    const { from, to } = this.#backlog
    return to > from ? [this.#event(to)] : []
  }

  /** What may be seen of the event that ends at `to`. */
  #event(to: number): Uint8Array {
    const { bytes, from } = this.#backlog
    const raw = Buffer.from(bytes.subarray(from, to))
    const lines = linesOf(raw.toString('utf8'))
    const begins = this.#first && lines[0]?.text.startsWith('\ufeff') ? '\ufeff' : ''
    if (lines.length > 0) this.#first = false
    const data: string[] = []
    let changed = false
    const seen = lines.map(({ text, ending }, index): Line | undefined => {
      const line = index === 0 ? text.slice(begins.length) : text
      const value = dataOf(line)
      if (value !== undefined) {
        data.push(value)
        return undefined
      }
      const masked = maskedText(this.#values, line)
      if (masked === undefined) return { text: line, ending }
      changed = true
      return { text: masked.replace(/[\r\n]+/g, ' '), ending }
    })
    const masked = data.length === 0 ? undefined : maskedMessage(this.#values, data.join('\n'))
    if (masked === undefined && !changed) return raw
    const ending = lines.find(each => each.ending !== '')?.ending ?? '\n'
    const shown = (masked ?? data.join('\n')).split(/\r\n|\r|\n/)
    let written = false
    const parts = seen.map(line => {
      if (line !== undefined) return line.text + line.ending
      if (written) return ''
      written = true
      return shown.map(each => `data: ${each}${ending}`).join('')
    })
    return Buffer.from(begins + parts.join(''))
  }
}

function linesOf(text: string): Line[] {
  return [...text.matchAll(/([^\r\n]*)(\r\n|\r|\n|$)/g)]
    .map(([, line = '', ending = '']) => ({ text: line, ending }))
    .filter(({ text, ending }) => text !== '' || ending !== '')
}

/** The value of a `data` field; undefined: it is another line. */
function dataOf(line: string): string | undefined {
  if (line === 'data') return ''
  if (!line.startsWith('data:')) return undefined
  return line.startsWith(' ', 5) ? line.slice(6) : line.slice(5)
}
