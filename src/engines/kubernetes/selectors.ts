// Label and field selectors, as k8s.io/apimachinery reads them: whether they narrow anything, and the one name that a
// field selector asks for. One that does not read is refused: an API server that could not read it would tell less of
// the request to its own authorizer than we do.
import { InvalidRequest } from '#model'

/** The terms of a field selector: `metadata.name=web,status.phase!=Running`. Throws InvalidRequest. */
export function readFieldSelector(text: string): readonly FieldTerm[] {
  const terms: FieldTerm[] = []
  for (const part of splitTerms(text)) {
    if (part === '') continue
    const [, field, operator, written] = /^(.*?)(!=|==|=)(.*)$/su.exec(part) ?? []
    if (field === undefined || operator === undefined || written === undefined)
      throw unreadable('fieldSelector')
    terms.push({ field, equal: operator !== '!=', value: unescaped(written) })
  }
  return terms
}

export interface FieldTerm {
  readonly field: string
  readonly equal: boolean
  readonly value: string
}

/** The name that objects must have; undefined where none is asked for. Several contradict each other, or are one. */
export function nameIn(terms: readonly FieldTerm[]): string | undefined {
  const names = terms.filter(({ field, equal }) => equal && field === 'metadata.name')
  const [first] = names
  if (first === undefined) return undefined
  // Which one counts is a matter of sorting to an API server.
  if (names.some(({ value }) => value !== first.value)) throw unreadable('fieldSelector')
  // IsValidPathSegmentName: what could be no name is none.
  return /[/%]/.test(first.value) || first.value === '.' || first.value === '..'
    ? undefined
    : first.value
}

/** A comma behind a backslash separates nothing. */
function splitTerms(text: string): readonly string[] {
  const terms: string[] = []
  let term = ''
  let escaped = false
  for (const character of text) {
    if (!escaped && character === ',') {
      terms.push(term)
      term = ''
      continue
    }
    escaped = !escaped && character === '\\'
    term += character
  }
  return [...terms, term]
}

function unescaped(written: string): string {
  let value = ''
  let escaped = false
  for (const character of written) {
    if (escaped) {
      if (!'\\,='.includes(character)) throw unreadable('fieldSelector')
      value += character
      escaped = false
    } else if (character === '\\') escaped = true
    else if (character === ',' || character === '=') throw unreadable('fieldSelector')
    else value += character
  }
  if (escaped) throw unreadable('fieldSelector')
  return value
}

const SPACE = String.raw`[ \t\r\n]*`
const DNS = `[a-z0-9](?:[-a-z0-9]*[a-z0-9])?`
/** IsQualifiedName; `in` and `notin` are keys too. */
const KEY = String.raw`(?:(?=[^/]{1,253}/)${DNS}(?:\.${DNS})*/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?`
const VALUE = `[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?`
const INTEGER = `[0-9]{1,18}`
const END = String.raw`(?=[,=!<>() \t\r\n]|$)`
const LISTED = `${SPACE}(?:${VALUE}${END}${SPACE})?`
const REQUIREMENT = new RegExp(
  `${SPACE}(?:!${SPACE}${KEY}${END}${SPACE}|${KEY}${END}${SPACE}(?:` +
    `(?:==|!=|=)${LISTED}|[<>]${SPACE}${INTEGER}${END}${SPACE}|` +
    `(?:in|notin)${SPACE}\\(${LISTED}(?:,${LISTED})*\\)${SPACE})?)(?:,|$)`,
  'y',
)

/** How many requirements a label selector has. Throws InvalidRequest. */
export function countRequirements(text: string): number {
  return requirementsIn(text).length
}

function requirementsIn(text: string): readonly string[] {
  if (/^[ \t\r\n]*$/.test(text)) return []
  const found: string[] = []
  let at = 0
  for (;;) {
    REQUIREMENT.lastIndex = at
    const [requirement] = REQUIREMENT.exec(text) ?? []
    if (requirement === undefined) throw unreadable('labelSelector')
    found.push(requirement)
    at = REQUIREMENT.lastIndex
    if (!requirement.endsWith(',')) return found
  }
}

export interface LabelTerm {
  readonly key: string
  /** The label is one of these; undefined: something else is asked of it. */
  readonly values: readonly string[] | undefined
}

/** Words of a requirement that was read before. */
const WORDS = /[A-Za-z0-9][-A-Za-z0-9_./]*|[!=<>]+/g

/** The terms of a label selector that ask for values: whether a label is there at all is none. Throws InvalidRequest. */
export function readLabelSelector(text: string): readonly LabelTerm[] {
  return requirementsIn(text).flatMap(requirement => {
    const [key = '', operator, ...rest] = requirement.match(WORDS) ?? []
    if (key.startsWith('!') || operator === undefined) return []
    const isEquality = operator === '=' || operator === '==' || operator === 'in'
    return [{ key, values: isEquality ? (rest.length === 0 ? [''] : rest) : undefined }]
  })
}

function unreadable(name: string): InvalidRequest {
  return new InvalidRequest('statement_unreadable', `the ${name} does not read as one`)
}
