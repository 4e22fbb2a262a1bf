// Parameters of a query, as API servers take them: of one that is there twice the first counts to them, so it is
// refused here, where it is not a list by its nature.
import { readForm } from '#engines/http'
import { InvalidRequest } from '#model'

export type Parameters = ReadonlyMap<string, readonly string[]>

/** Throws InvalidRequest. */
export function readParameters(query: string | undefined): Parameters {
  // Go drops a pair that has a `;`, others cut there.
  if (query?.includes(';') === true) throw unreadable('the query has a `;` in it')
  return readForm(query)
}

/** Undefined: it is not there. Throws InvalidRequest when it is there twice. */
export function only(parameters: Parameters, name: string): string | undefined {
  const values = parameters.get(name) ?? []
  if (values.length > 1) throw unreadable(`the parameter ${name} is there twice`)
  return values[0]
}

/** To API servers all but `false` and `0` is true, `no` too: such words are refused. */
export function readBoolean(parameters: Parameters, name: string): boolean | undefined {
  const text = only(parameters, name)
  if (text === undefined) return undefined
  if (/^(?:true|t|1)$/i.test(text)) return true
  if (/^(?:false|0)$/i.test(text)) return false
  throw unreadable(`the parameter ${name} is neither true nor false`)
}

export function readInteger(parameters: Parameters, name: string): number | undefined {
  const text = only(parameters, name)
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw unreadable(`the parameter ${name} is not a number`)
  return Number(text)
}

/** Lists by their nature. */
const LISTS: ReadonlySet<string> = new Set(['command', 'ports'])
const BOOLEANS = `allowWatchBookmarks follow force ignoreStoreReadErrorWithClusterBreakingPotential
  insecureSkipTLSVerifyBackend orphanDependents previous sendInitialEvents stderr stdin stdout timestamps tty watch`.split(
  /\s+/,
)
const INTEGERS = ['gracePeriodSeconds', 'limit', 'limitBytes', 'tailLines', 'timeoutSeconds']
/** The names that API servers know: no reader of theirs may take another spelling for one. */
const KNOWN: ReadonlyMap<string, string> = new Map(
  [
    ...LISTS,
    ...BOOLEANS,
    ...INTEGERS,
    ...`container continue dryRun fieldManager fieldSelector fieldValidation labelSelector propagationPolicy
    resourceVersion resourceVersionMatch`.split(/\s+/),
  ].map(name => [name.toLowerCase(), name]),
)

/** Of a request that an API server itself acts upon. Throws InvalidRequest. */
export function checkParameters(parameters: Parameters): void {
  for (const name of parameters.keys()) {
    if (!LISTS.has(name)) only(parameters, name)
    const known = KNOWN.get(name.toLowerCase())
    if (known !== undefined && known !== name)
      throw unreadable(`the parameter ${known} is written in another case`)
  }
  for (const name of BOOLEANS) readBoolean(parameters, name)
  for (const name of INTEGERS) readInteger(parameters, name)
}

function unreadable(message: string): InvalidRequest {
  return new InvalidRequest('statement_unreadable', message)
}
