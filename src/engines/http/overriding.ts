// Methods that a request asks for beside its own: many frameworks act upon a POST as upon what its field `_method` says. Whether this
// one does nobody here knows, so a request is judged as both. (Fields of the head that say so are refused by the front.)
import type { Buffer } from 'node:buffer'
import { InvalidRequest } from '#model'
import { lenient, readAs } from './field-names.ts'

const NAMES: ReadonlySet<string> = new Set([
  '_method',
  '_httpmethod',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
])
/** In the head of a part, as far as anybody reads it. */
const NAME = /(?:^|[;\s])name\s*=\s*(?:"([^"]*)"|([^\s;"]+))/gi
const MOST_LINES = 32
/** (Quotes and backslashes stay as they are written: they are none of the text's own.) */
const ESCAPED = /\\u00(?!22|5c)([0-7][0-9a-f])/gi
const MEMBER = /"([^"\\]{1,64})"\s*:(?=\s*"([^"\\]*)")/g
const METHOD = /^[A-Z][A-Z-]{0,31}$/

export interface Overriding {
  readonly method: string
  readonly query: string | undefined
  /** The content type, and what has it; undefined: there is none, or it is not read. */
  readonly type: string
  readonly body: Buffer | string | undefined
}

/** Upper case, none twice, and not the request's own. Throws InvalidRequest. */
export function overridingMethods({ method, query, type, body }: Overriding): readonly string[] {
  if (method !== 'POST') return []
  const said = [...pairsIn(query ?? '')]
  if (body !== undefined) said.push(...saidIn(type, body))
  const methods = said
    .filter(([name]) => isOne(name))
    .map(([, value]) => value.trim().toUpperCase())
  return [...new Set(methods)].filter(each => METHOD.test(each) && each !== method)
}

function* saidIn(type: string, body: Buffer | string): Iterable<readonly [string, string]> {
  const isForm = /x-www-form-urlencoded/i.test(type)
  const isParts = /multipart\/form-data/i.test(type)
  const isJson = /json/i.test(type)
  if (!isForm && !isParts && !isJson) return
  const text = typeof body === 'string' ? body : body.toString('latin1')
  if (isForm) yield* pairsIn(text)
  if (isParts) yield* partsIn(text)
  if (isJson) yield* membersIn(text)
}

function isOne(name: string): boolean {
  return /[._ [+-](?:http)?-?method/i.test(name) && readAs(name).some(each => NAMES.has(each))
}

/** (An escaped separator parts as well here: it asks for one reading more, and never for one less.) */
function* pairsIn(text: string): Iterable<readonly [string, string]> {
  const plain = lenient(text)
  if (!/method/i.test(plain)) return
  for (const pair of plain.split(/[&;]/)) {
    const mark = pair.indexOf('=')
    const name = mark < 0 ? pair : pair.slice(0, mark)
    if (/method/i.test(name)) yield [name, mark < 0 ? '' : pair.slice(mark + 1)]
  }
}

function* partsIn(text: string): Iterable<readonly [string, string]> {
  if (!/method/i.test(text)) return
  const lines = text.split(/\r\n|\r|\n/)
  for (const [at, line] of lines.entries())
    for (const [, quoted, plain = ''] of line.matchAll(NAME)) {
      const name = quoted ?? plain
      if (!isOne(name)) continue
      const end = lines.slice(at, at + MOST_LINES).indexOf('')
      if (end < 0)
        throw new InvalidRequest(
          'statement_unreadable',
          'the form asks for another method, and does not say for which',
        )
      yield [name, lines[at + end + 1] ?? '']
    }
}

/**
 * Of a JSON object its own members whose value is a text. Where readers may differ (in which of two counts, or in what they pass over: a
 * byte order mark, a comment), all that it says anywhere: it asks for one reading more at times, and never for one less.
 */
function* membersIn(text: string): Iterable<readonly [string, string]> {
  const plain = text.replace(ESCAPED, (_, digits) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  if (!/method/i.test(plain)) return
  const said = [...plain.matchAll(MEMBER)].filter(([, name = '']) => isOne(name))
  const whole = said.length > 1 ? undefined : objectIn(text)
  if (whole === undefined) for (const [, name = '', value = ''] of said) yield [name, value]
  else
    for (const [name, value] of Object.entries(whole))
      if (typeof value === 'string') yield [name, value]
}

/** Undefined: it is no JSON. */
function objectIn(text: string): object | undefined {
  try {
    const whole: unknown = JSON.parse(text)
    return typeof whole === 'object' && whole !== null ? whole : {}
  } catch {
    // Safe: then all that it says is taken for meant.
    return undefined
  }
}
