// What is written in place of parts of a text.

export interface Edit {
  readonly start: number
  readonly end: number
  readonly bytes: Uint8Array
}

/** In order, and without those that lie within another. */
export function settled(edits: readonly Edit[]): readonly Edit[] {
  const sorted = [...edits].sort((a, b) => a.start - b.start || b.end - a.end)
  let to = 0
  return sorted.filter(({ start, end }) => {
    if (start < to) return false
    to = end
    return true
  })
}

/** `[start, end)` of `src`, edited. Edits are settled; positions are those of `src`. */
export function edited(
  src: Uint8Array,
  start: number,
  end: number,
  edits: readonly Edit[],
): Uint8Array {
  const grown = edits.reduce((sum, edit) => sum + edit.bytes.length - (edit.end - edit.start), 0)
  const out = new Uint8Array(end - start + grown)
  let from = start
  let at = 0
  for (const edit of edits) {
    out.set(src.subarray(from, edit.start), at)
    at += edit.start - from
    out.set(edit.bytes, at)
    at += edit.bytes.length
    from = edit.end
  }
  out.set(src.subarray(from, end), at)
  return out
}
