// Findings of one cell, by start, in arrays that are kept from cell to cell. Knows spans and kinds only.

/** How many findings' room is kept after a cell that had many. */
const KEPT = 4096
/** How many findings are moved to put one in its place; past that all are sorted at the end. */
const NEAR = 16

export class FindingList {
  count = 0
  /** True when a detector could not tell: whatever is found in this cell is redacted. */
  doubtful = false
  #disordered = false
  start = new Int32Array(64)
  end = new Int32Array(64)
  kind = new Uint8Array(64)

  clear(): void {
    this.count = 0
    this.doubtful = false
    this.#disordered = false
    if (this.start.length > KEPT) this.resize(64)
  }

  /** Adds a finding where its start belongs, if that is near: nearly always at the end. */
  add(start: number, end: number, kind: number): void {
    if (this.count === this.start.length) this.resize(this.count * 2)
    let i = this.count++
    const nearest = Math.max(0, i - NEAR)
    while (i > nearest && this.start[i - 1]! > start) {
      this.start[i] = this.start[i - 1]!
      this.end[i] = this.end[i - 1]!
      this.kind[i] = this.kind[i - 1]!
      i--
    }
    if (i > 0 && this.start[i - 1]! > start) this.#disordered = true
    this.start[i] = start
    this.end[i] = end
    this.kind[i] = kind
  }

  /** Puts in order what `add` did not: those who read far ahead find out of turn. */
  sort(): void {
    if (!this.#disordered) return
    this.#disordered = false
    const { start, end, kind, count } = this
    const order = Uint32Array.from({ length: count }, (_, i) => i)
    order.sort((a, b) => start[a]! - start[b]! || a - b)
    const [starts, ends, kinds] = [start.slice(0, count), end.slice(0, count), kind.slice(0, count)]
    order.forEach((from, to) => {
      start[to] = starts[from]!
      end[to] = ends[from]!
      kind[to] = kinds[from]!
    })
  }

  private resize(room: number): void {
    const used = Math.min(this.count, room)
    const [start, end, kind] = [this.start, this.end, this.kind]
    this.start = new Int32Array(room)
    this.end = new Int32Array(room)
    this.kind = new Uint8Array(room)
    this.start.set(start.subarray(0, used))
    this.end.set(end.subarray(0, used))
    this.kind.set(kind.subarray(0, used))
  }
}
