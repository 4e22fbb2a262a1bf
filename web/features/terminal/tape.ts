// A terminal played to any moment. Screens are kept on the way, so that going back or far ahead costs no more than what
// came since the nearest one; the recording itself stays as it is.
import type { Terminal } from '@xterm/headless'
import { goOn, type Kept, keep, play, resized, terminal } from './headless.ts'
import { type View, viewOf } from './screen.ts'

/** What came at that time: text, or another size. */
export type Piece =
  | { readonly at: number; readonly text: string }
  | { readonly at: number; readonly columns: number; readonly rows: number }

/** A screen is kept after so many characters: they are played in a few ms. */
const APART = 64 * 1024
/** The page answers its reader after so many. */
const BREATH = 128 * 1024
/** So much is not played to get to a moment, where somebody else knows what it showed. */
const FAR = 4 * 1024 * 1024
const MOST_KEPT_BYTES = 32 * 1024 * 1024
const USUAL = { columns: 80, rows: 24 } as const

/** What draws a terminal as it was at a time, in Unix ms, on a blank one; undefined: it is not known. */
export type Far = (time: number) => Promise<readonly Piece[] | undefined>

interface Bounds {
  readonly apart?: number
  readonly mostKeptBytes?: number
  readonly far?: Far | undefined
  readonly farAway?: number
}

export class Tape {
  readonly #pieces: Piece[] = []
  /** How many characters there are up to and with each piece. */
  readonly #ends: number[] = []
  readonly #far: Far | undefined
  readonly #farAway: number
  /** In order; `next` is the piece that comes after it. */
  #kept: { readonly next: number; readonly screen: Kept }[] = []
  #keptBytes = 0
  #apart: number
  readonly #mostKeptBytes: number
  #screen: Terminal = terminal(USUAL.columns, USUAL.rows)
  #size: { readonly columns: number; readonly rows: number } | undefined
  #next = 0
  /** Characters played since the last kept screen. */
  #since = 0
  /** The first piece that the emulator failed at. */
  #lostAt = Number.POSITIVE_INFINITY
  #wanted: number | undefined
  #playing: Promise<void> | undefined

  constructor({ apart = APART, mostKeptBytes = MOST_KEPT_BYTES, far, farAway = FAR }: Bounds = {}) {
    this.#apart = apart
    this.#mostKeptBytes = mostKeptBytes
    this.#far = far
    this.#farAway = farAway
  }

  /** What came so far: what it has already is not looked at again. */
  extend(pieces: readonly Piece[]): void {
    for (let at = this.#pieces.length; at < pieces.length; at += 1) {
      const piece = pieces[at]
      if (piece === undefined) continue
      this.#pieces.push(piece)
      this.#ends.push((this.#ends.at(-1) ?? 0) + ('text' in piece ? piece.text.length : 0))
    }
  }

  /** Plays to that time, in Unix ms. Of several calls the last one counts; `shown` has what is there then. */
  async show(time: number, shown: (view: View) => void): Promise<void> {
    this.#wanted = time
    this.#playing ??= this.#play(shown).finally(() => {
      this.#playing = undefined
    })
    await this.#playing
  }

  /** How many characters the last call had to play. */
  played = 0

  async #play(shown: (view: View) => void): Promise<void> {
    while (this.#wanted !== undefined) {
      const time = this.#wanted
      this.#wanted = undefined
      await this.#to(this.#count(time))
      if (this.#wanted === undefined) shown(viewOf(this.#screen, this.#next >= this.#lostAt))
    }
  }

  /** How many pieces had come by then. */
  #count(time: number): number {
    let low = 0
    let high = this.#pieces.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#pieces[middle]?.at ?? Infinity) <= time) low = middle + 1
      else high = middle
    }
    return low
  }

  async #to(target: number): Promise<void> {
    this.played = 0
    const nearest = this.#kept.findLast(each => each.next <= target)
    if (target < this.#next || (nearest?.next ?? 0) > this.#next) {
      this.#screen =
        nearest === undefined ? terminal(USUAL.columns, USUAL.rows) : goOn(nearest.screen)
      this.#size = undefined
      this.#next = nearest?.next ?? 0
      this.#since = 0
    }
    if (this.#upTo(target) - this.#upTo(this.#next) > this.#farAway && (await this.#leap(target)))
      return
    let since = 0
    while (this.#next < target) {
      const piece = this.#pieces[this.#next]
      if (piece === undefined) return
      this.#next += 1
      if ('text' in piece) {
        if (!play(this.#screen, piece.text)) this.#lostAt = Math.min(this.#lostAt, this.#next)
        this.#since += piece.text.length
        this.played += piece.text.length
        since += piece.text.length
      } else if (piece.columns > 0 && piece.rows > 0) this.#size = piece
      this.#fit()
      if (this.#since >= this.#apart) this.#keep()
      if (since < BREATH) continue
      since = 0
      await new Promise(done => setTimeout(done))
      // Somebody wants another moment by now.
      if (this.#wanted !== undefined) return
    }
  }

  #upTo(pieces: number): number {
    return this.#ends[pieces - 1] ?? 0
  }

  /** To where it would take long to play to, as somebody else knows it. */
  async #leap(target: number): Promise<boolean> {
    const at = this.#pieces[target - 1]?.at
    if (at === undefined || this.#far === undefined) return false
    const drawn = await this.#far(at).catch(() => undefined)
    if (drawn === undefined) return false
    // Somebody wants another moment by now.
    if (this.#wanted !== undefined) return true
    this.#screen = terminal(USUAL.columns, USUAL.rows)
    this.#size = undefined
    this.#since = 0
    for (const piece of drawn) {
      if (!('text' in piece)) this.#size = piece
      else {
        play(this.#screen, piece.text)
        this.played += piece.text.length
      }
      this.#fit()
    }
    this.#next = target
    return true
  }

  /** Another size waits for the end of a control sequence. */
  #fit(): void {
    if (this.#size === undefined) return
    const screen = resized(this.#screen, this.#size.columns, this.#size.rows)
    if (screen === undefined) return
    this.#screen = screen
    this.#size = undefined
  }

  #keep(): void {
    const { next } = this.#kept.at(-1) ?? { next: 0 }
    // It was here before: from here on is known already.
    if (this.#next <= next) {
      this.#since = 0
      return
    }
    const screen = keep(this.#screen)
    // In the middle of something: after the next piece.
    if (screen === undefined) return
    this.#since = 0
    this.#kept.push({ next: this.#next, screen })
    this.#keptBytes += screen.bytes
    if (this.#keptBytes <= this.#mostKeptBytes) return
    // Half of them, twice as far apart.
    this.#kept = this.#kept.filter((_, at) => at % 2 === 1)
    this.#keptBytes = this.#kept.reduce((sum, each) => sum + each.screen.bytes, 0)
    this.#apart *= 2
  }
}
