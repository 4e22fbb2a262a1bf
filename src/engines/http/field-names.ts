// Names of fields of queries and forms as servers read them: many know one field by several names.

/** Whether some server reads a field of the one name as the other. */
export function isTakenFor(name: string, other: string): boolean {
  const known = plainName(other)
  return readAs(name).some(each => each === known)
}

/** As some server reads a name: by case, as lists (`amount[]`), or as PHP and Rack make names of their own. */
export function readAs(name: string): readonly string[] {
  // Rack and qs: `[amount]` is `amount`.
  const within = name.trimStart().replace(/^[[\]]+/, '')
  const [inside = ''] = within.split(/[[\]]/)
  const [base = ''] = name.split(/\[|\0/)
  return [name, base, within, inside].map(plainName)
}

function plainName(name: string): string {
  return name
    .trimStart()
    .replace(/[. [+]/g, '_')
    .toLowerCase()
}

/** Of a query or a form as it is written: each pair, for those servers that part them by `;` as well, whatever its escapes. */
export function* pairsOfAll(text: string): Iterable<readonly [name: string, value: string]> {
  for (const pair of text.split(/[&;]/)) {
    const mark = pair.indexOf('=')
    yield mark < 0
      ? [lenient(pair), '']
      : [lenient(pair.slice(0, mark)), lenient(pair.slice(mark + 1))]
  }
}

/** Percent signs undone, where they can be. */
export function lenient(text: string): string {
  if (!/[%+]/.test(text)) return text
  return text
    .replaceAll('+', ' ')
    .replace(/%([0-9A-Fa-f]{2})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 16)))
}
