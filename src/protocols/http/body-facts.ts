// What policies ask of a request's body, and what it asks of a GraphQL endpoint. A body that two readers could understand
// differently, or that we cannot read, is refused where it counts.
import {
  type GraphqlOperation,
  isTakenFor,
  type MultipartForm,
  pairsOfAll,
  readForm,
  readGraphql,
  readMultipart,
} from '#engines/http'
import { type JsonFact, JsonProblem, parsePointer, readFacts } from '#engines/json'
import { InvalidRequest, type NamedValues } from '#model'
import type { ReadBody } from '#proxy'
import type { RequestHead } from '#transport/http'
import type { HttpSettings } from './settings.ts'

export interface BodyFacts {
  readonly named?: NamedValues
  readonly graphql?: readonly GraphqlOperation[]
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i
const FORM_TYPE = /^application\/x-www-form-urlencoded\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?$/i
const GRAPHQL = ['/query', '/operationName', '/extensions', '/variables']
const GRAPHQL_NAMES = GRAPHQL.map(pointer => pointer.slice(1))
const INTEGER = /^-?(?:0|[1-9]\d{0,18})$/

/** Throws InvalidRequest. */
export function bodyFacts(head: RequestHead, body: ReadBody, settings: HttpSettings): BodyFacts {
  if (isGraphql(head.target.path, settings)) return { graphql: [askedOfGraphql(head, body)] }
  const { fields } = settings.body
  if (fields.length === 0 || body.asked.kind === 'none') return {}
  const bytes = readable(head, body)
  if (FORM_TYPE.test(typeOf(head))) {
    checkAddress(head, fields)
    return { named: ofForm(bytes, fields) }
  }
  const form = readMultipart(bytes, typeOf(head))
  if (form !== undefined) {
    checkAddress(head, fields)
    return { named: ofMultipart(form, fields) }
  }
  if (!JSON_TYPE.test(typeOf(head)))
    throw unsupported('only JSON and form bodies are taken here: policies ask what they hold')
  return { named: ofJson(bytes, fields) }
}

/** With a slash at the end or without: most servers read both as one, and what is judged by its fields is not to pass as a path. */
function isGraphql(path: string, { graphql }: HttpSettings): boolean {
  return graphql !== undefined && path.replace(/\/$/, '') === graphql.replace(/\/$/, '')
}

function askedOfGraphql(head: RequestHead, body: ReadBody): GraphqlOperation {
  if (head.method === 'GET' || head.method === 'HEAD') {
    if (body.asked.kind !== 'none')
      throw unsupported('a query is asked in one place: this has a body too')
    const operation = readGraphql(askedInAddress(head))
    if (operation.type !== 'query') throw unsupported('GraphQL: GET is for queries')
    return operation
  }
  if (head.method !== 'POST') throw unsupported('GraphQL: only GET and POST are served')
  // Servers differ in which of the two counts.
  for (const [name] of pairsOfAll(head.target.query ?? ''))
    if (GRAPHQL_NAMES.some(each => isTakenFor(name, each)))
      throw unsupported('a query is asked in one place: this has it in its address too')
  if (!JSON_TYPE.test(typeOf(head))) throw unsupported('GraphQL: the body must be application/json')
  const bytes = readable(head, body)
  facts(bytes, GRAPHQL)
  const asked: unknown = JSON.parse(bytes.toString('utf8'))
  if (typeof asked !== 'object' || asked === null || Array.isArray(asked))
    throw unsupported('GraphQL: one request at a time')
  return readGraphql(asked)
}

/** What stands there once, and under no name that some server takes for another one. */
function askedInAddress({ target }: RequestHead): Record<string, unknown> {
  // Rack and others part pairs by it, too.
  if (target.query?.includes(';') === true)
    throw unsupported('GraphQL: the address has a `;` in its query')
  const asked: Record<string, unknown> = {}
  for (const [name, [value, ...more]] of readForm(target.query)) {
    const known = GRAPHQL_NAMES.find(each => isTakenFor(name, each))
    if (known !== undefined && (known !== name || more.length > 0))
      throw new InvalidRequest('statement_unreadable', `GraphQL: ${known} is there twice`)
    asked[name] = name === 'extensions' ? ofExtensions(value ?? '') : value
  }
  return asked
}

function ofExtensions(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new InvalidRequest('statement_unreadable', 'GraphQL: extensions are no JSON', { cause })
  }
}

/** Servlets and others read a field of a form in the address, too, and the one there first. */
function checkAddress({ target }: RequestHead, pointers: readonly string[]): void {
  for (const [name] of pairsOfAll(target.query ?? ''))
    if (pointers.some(pointer => isTakenFor(name, pointer.slice(1))))
      throw new InvalidRequest(
        'statement_unreadable',
        'a field of the form that counts stands in the address too',
      )
}

function typeOf({ fields }: RequestHead): string {
  const types = fields.all('content-type')
  if (types.length > 1) throw unsupported('the body has two content types')
  return types[0] ?? ''
}

function readable({ fields }: RequestHead, { bytes }: ReadBody): Buffer {
  const encodings = fields
    .list('content-encoding')
    .filter(each => each.toLowerCase() !== 'identity')
  if (bytes === undefined || encodings.length > 0)
    throw unsupported('the body has to be read here, and is encoded or too long')
  return bytes
}

function facts(bytes: Buffer, pointers: readonly string[]): readonly (readonly JsonFact[])[] {
  try {
    return readFacts(
      bytes,
      pointers.map(each => parsePointer(each) ?? []),
    ).found
  } catch (cause) {
    if (!(cause instanceof JsonProblem)) throw cause
    throw new InvalidRequest(
      'statement_unreadable',
      `the JSON body cannot be read in one way only: ${cause.fault}`,
      {
        cause,
      },
    )
  }
}

function ofJson(bytes: Buffer, pointers: readonly string[]): NamedValues {
  const texts = new Map<string, readonly string[]>()
  const numbers = new Map<string, number | bigint>()
  for (const [index, found] of facts(bytes, pointers).entries()) {
    const pointer = pointers[index]!
    if (found.length === 0) continue
    texts.set(
      pointer,
      found.map(({ kind, text }) => (kind === 'null' ? 'null' : text)),
    )
    const [only, another] = found
    if (only?.kind !== 'number' || another !== undefined) continue
    const whole = INTEGER.test(only.text) ? wholeNumber(only.text) : undefined
    if (whole !== undefined) numbers.set(pointer, whole)
  }
  return { texts, numbers }
}

/** Undefined: wider than policies count. */
function wholeNumber(text: string): number | bigint | undefined {
  const number = BigInt(text)
  if (number !== BigInt.asIntN(64, number)) return undefined
  const small = Number(number)
  return Number.isSafeInteger(small) ? small : number
}

/** A form has no numbers, only texts: `/amount` is what its field `amount` says. */
function ofForm(bytes: Buffer, pointers: readonly string[]): NamedValues {
  const text = bytes.toString('latin1')
  const form = readForm(text, 'the form')
  // Rack and others part pairs by `;` as well: what stands behind one is a field to them.
  for (const [name] of pairsOfAll(behindSemicolons(text)))
    if (pointers.some(pointer => isTakenFor(name, pointer.slice(1)))) throw anotherName()
  return ofFields(form, pointers)
}

function behindSemicolons(text: string): string {
  return text
    .split('&')
    .map(pair => pair.split(';').slice(1).join('&'))
    .join('&')
}

/** What policies ask for has to be a text: of a file nobody knows what it says. */
function ofMultipart({ texts, files }: MultipartForm, pointers: readonly string[]): NamedValues {
  const wanted = pointers.map(pointer => pointer.slice(1))
  if ([...files].some(name => wanted.some(each => each === name || isTakenFor(name, each))))
    throw new InvalidRequest('statement_unreadable', 'a field of the form that counts is a file')
  return ofFields(texts, pointers)
}

function ofFields(
  form: ReadonlyMap<string, readonly string[]>,
  pointers: readonly string[],
): NamedValues {
  const texts = new Map<string, readonly string[]>()
  const wanted = pointers.map(pointer => pointer.slice(1))
  for (const [name, values] of form) {
    if (wanted.includes(name)) texts.set(`/${name}`, values)
    else if (wanted.some(each => isTakenFor(name, each))) throw anotherName()
  }
  return { texts, numbers: new Map() }
}

function anotherName(): InvalidRequest {
  return new InvalidRequest(
    'statement_unreadable',
    'some servers take a field of the form for one that counts: its name differs by case or signs',
  )
}

function unsupported(message: string): InvalidRequest {
  return new InvalidRequest('message_unsupported', message)
}
