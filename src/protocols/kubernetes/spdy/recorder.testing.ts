// What a reader said, as lines.
import { Buffer } from 'node:buffer'
import type { SpdyReceiver } from './frame-reader.ts'
import type { Headers } from './header-block.ts'

/** Parts of one data frame are put together: where they were cut is nobody's. */
export class Told implements SpdyReceiver {
  readonly lines: string[] = []
  readonly #data = new Map<number, Buffer[]>()

  synStream: SpdyReceiver['synStream'] = ({ id, headers, fin, associated, unidirectional }) => {
    this.#say('syn', id, shown(headers), fin, associated, unidirectional)
  }
  synReply: SpdyReceiver['synReply'] = (id, headers, fin) =>
    this.#say('reply', id, shown(headers), fin)
  reset: SpdyReceiver['reset'] = (id, status) => this.#say('reset', id, status)
  ping: SpdyReceiver['ping'] = id => this.#say('ping', id)
  goAway: SpdyReceiver['goAway'] = (last, status) => this.#say('goaway', last, status)
  headers: SpdyReceiver['headers'] = (id, headers, fin) =>
    this.#say('headers', id, shown(headers), fin)
  windowUpdate: SpdyReceiver['windowUpdate'] = (id, delta) => this.#say('window', id, delta)
  data: SpdyReceiver['data'] = (id, bytes, fin) => {
    const all = this.#data.get(id) ?? []
    all.push(bytes)
    this.#data.set(id, all)
    if (fin) this.#say('end', id)
  }

  /** All that came on a stream. */
  came(id: number): string {
    return Buffer.concat(this.#data.get(id) ?? []).toString('latin1')
  }

  #say(...words: readonly unknown[]): void {
    this.lines.push(words.join(' '))
  }
}

function shown(headers: Headers): string {
  return [...headers].map(([name, value]) => `${name}=${value}`).join(',')
}
