// Draws for whoever throws dice by hand, with the seed of `property.ts`: the same each time, unless told.

const SEED = Number(process.env['PROPERTY_SEED'] ?? 20_260_701)

export interface Draws {
  /** At least 0, below `end`. */
  below(end: number): number
  pick<T>(from: readonly T[]): T
  /** True with this probability. */
  chance(of: number): boolean
  bytes(length: number): Buffer
}

/** `name`: two tests with one seed draw different things. */
export function draws(name: string): Draws {
  let state = SEED
  for (const char of name) state = Math.imul(state ^ (char.codePointAt(0) ?? 0), 0x01000193)
  // Mulberry32.
  const unit = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(unit() * end)
  return {
    below,
    pick: from => from[below(from.length)]!,
    chance: of => unit() < of,
    bytes: length => Buffer.from(Array.from({ length }, () => below(256))),
  }
}
