// What the list of sessions is asked for, as it stands in the address: the same words as in the CLI.
const WORDS = ['principal', 'resource', 'table', 'class', 'text', 'from', 'until'] as const
const DECISIONS = ['permit', 'held', 'deny'] as const

export type Words = (typeof WORDS)[number]
/** `from`, `until`: times without a zone, in that of the viewer. */
export type SessionSearch = { readonly [word in Words]?: string } & {
  readonly decision?: (typeof DECISIONS)[number]
  readonly live?: true
}

export function sessionSearch(search: Readonly<Record<string, unknown>>): SessionSearch {
  const words = WORDS.flatMap(word => {
    const value = search[word]
    // The router reads a number out of what looks like one.
    if (typeof value === 'number') return [[word, String(value)]]
    return typeof value === 'string' && value !== '' ? [[word, value]] : []
  })
  const decision = DECISIONS.find(each => each === search['decision'])
  return {
    ...Object.fromEntries(words),
    ...(decision === undefined ? {} : { decision }),
    ...(search['live'] === true ? { live: true } : {}),
  }
}

/** The query of the API; undefined while it cannot be asked. */
export function queryOf(
  { from, until, ...rest }: SessionSearch,
  shortest: number,
): Record<string, string | number | boolean | undefined> | undefined {
  const times = { from: timeOf(from), until: timeOf(until) }
  if (Number.isNaN(times.from) || Number.isNaN(times.until)) return undefined
  if (rest.text !== undefined && [...rest.text].length < shortest) return undefined
  return { ...rest, ...times }
}

function timeOf(given: string | undefined): number | undefined {
  return given === undefined ? undefined : Date.parse(given)
}
