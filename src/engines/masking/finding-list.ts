// Findings of one cell, by start, in arrays that are kept from cell to cell. Knows spans and kinds only.

/** How many findings' room is kept after a cell that had many. */
const KEPT = 4096

export class FindingList {
  count = 0
  start = new Int32Array(64)
  end = new Int32Array(64)
  kind = new Uint8Array(64)

  clear(): void {
    this.count = 0
    if (this.start.length > KEPT) this.resize(64)
  }

  /** Adds a finding where its start belongs: nearly always at the end. */
  add(start: number, end: number, kind: number): void {
    if (this.count === this.start.length) this.resize(this.count * 2)
    let i = this.count++
    while (i > 0 && this.start[i - 1]! > start) {
      this.start[i] = this.start[i - 1]!
      this.end[i] = this.end[i - 1]!
      this.kind[i] = this.kind[i - 1]!
      i--
    }
    this.start[i] = start
    this.end[i] = end
    this.kind[i] = kind
  }

  /** As `add`, behind all others; `sort` puts them in order. */
  append(start: number, end: number, kind: number): void {
    if (this.count === this.start.length) this.resize(this.count * 2)
    const i = this.count++
    this.start[i] = start
    this.end[i] = end
    this.kind[i] = kind
  }

  /** By start; a stable sort of the findings that `append` left out of order. */
  sort(): void {
    const { start, end, kind, count } = this
    let sorted = 1
    while (sorted < count && start[sorted - 1]! <= start[sorted]!) sorted++
    if (sorted >= count) return
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
