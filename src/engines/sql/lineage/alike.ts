// Which names a server may take for one. In ASCII servers agree: a letter's case. Beyond it one folds `ς` and `σ`, another
// drops accents as well, and where a table has many columns, again otherwise. So nothing is equal there for sure but what is spelled so.

/** ASCII, and pairs of letters that every server folds. What else may be one name is `alike`. */
const FOLDED = /[A-ZÀ-ÖØ-ÞΑ-ΡΣ-ΩА-Я]/g
const BEYOND = /[^\0-\x7f]/
const LATIN = /\p{Script=Latin}/u

/** Equal names are one name on every server. */
export function foldedName(name: string): string {
  return BEYOND.test(name) ? name.replace(FOLDED, one => one.toLowerCase()) : name.toLowerCase()
}

/** False: they are two names on every server. (No server has a letter stand for two.) */
export function alike(one: string, other: string): boolean {
  if (one === other) return true
  if (one.length !== other.length) return false
  for (let at = 0; at < one.length; at++) {
    const [a, b] = [one[at] as string, other[at] as string]
    if (a !== b && !alikeLetters(a, b)) return false
  }
  return true
}

function alikeLetters(a: string, b: string): boolean {
  if (!BEYOND.test(a) && !BEYOND.test(b)) return a.toLowerCase() === b.toLowerCase()
  const [one, other] = [base(a), base(b)]
  return one === other || (LATIN.test(one) && LATIN.test(other))
}

/** A letter without its accents and case. */
function base(letter: string): string {
  const bare = letter.normalize('NFKD')[0] as string
  return bare.toLowerCase().toUpperCase().normalize('NFKD')[0] as string
}

/** Servers may differ in which other names it is. */
export function isBeyondAscii(name: string): boolean {
  return BEYOND.test(name)
}
