// Cedar's `like`: literal texts and `*`. Linear in the text, whatever the pattern.

/** Compiles a pattern; null is a wildcard. */
export function like(parts: readonly (string | null)[]): (text: string) => boolean {
  const pieces = ['']
  for (const part of parts) {
    if (part === null) pieces.push('')
    else pieces[pieces.length - 1] += part
  }
  const [first = '', ...rest] = pieces
  const last = rest.pop()
  if (last === undefined) return text => text === first
  const middle = rest.filter(piece => piece !== '')
  return text => {
    if (text.length < first.length + last.length) return false
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    const end = text.length - last.length
    let at = first.length
    for (const piece of middle) {
      const found = text.indexOf(piece, at)
      if (found < 0 || found + piece.length > end) return false
      at = found + piece.length
    }
    return true
  }
}
