// One door for all bodies: by what a body says that it is, to what reads it.
import { type BodyFault, BodyProblem, type BodyReader } from './body.ts'
import { DecodedBody, isUtf8, knownCharset } from './charset.ts'
import { type ContentType, parseContentType } from './content-type.ts'
import { CsvBody } from './csv-body.ts'
import { EventStreamBody } from './event-stream-body.ts'
import { FormBody } from './form-body.ts'
import { JsonBody } from './json-body.ts'
import { markupScanner } from './markup.ts'
import { boundaryOf, MultipartBody } from './multipart-body.ts'
import { clearPart, FieldPart, HiddenPart } from './part-body.ts'
import type { PartHead } from './part-head.ts'
import type { BodyRules } from './rules.ts'
import { TextBody } from './text-body.ts'
import { Values } from './values.ts'

export interface BodyMasker extends BodyReader {
  /** What the head must say that it is: the text goes on as UTF-8. Undefined: what it said. */
  readonly contentType: string | undefined
  /** How many values were hidden so far, by class. */
  readonly found: ReadonlyMap<string, number>
  /** The body ends before its end: no more is asked of this. */
  abort(): void
}

export interface BodySettings {
  /** Of the head, when it says one. */
  readonly contentType: string | undefined
  /** Texts pass with detectors alone, though fields are hidden that no detector sees; else they are refused. */
  readonly textsByDetectors?: boolean
}

const JSON_TYPES = new Set([
  'application/json',
  'text/json',
  'application/x-json',
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/x-jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
  'application/json-seq',
  'application/x-json-stream',
])
const CSV_TYPES = new Set(['text/csv', 'application/csv', 'text/comma-separated-values'])
const TEXT_TYPES = new Set([
  'application/javascript',
  'application/x-javascript',
  'application/ecmascript',
  'application/yaml',
  'application/x-yaml',
  'application/toml',
  'application/sql',
  'application/graphql',
  'application/x-sh',
])
const MULTIPART_TYPES = new Set(['multipart/form-data', 'multipart/mixed'])
const TAB = 0x09

type Kind = 'json' | 'csv' | 'tsv' | 'form' | 'events' | 'markup' | 'text'

/**
 * What masks a body by these rules. Throws BodyProblem when such a body cannot be read (`type`, `encoding`); reading it
 * may throw one later. A body that is empty needs no masker.
 */
export function createBodyMasker(rules: BodyRules, settings: BodySettings): BodyMasker {
  const { make, contentType } = readable(rules, settings)
  const values = new Values(rules)
  return new Masked(values, make(values), contentType)
}

interface Readable {
  readonly make: (values: Values) => BodyReader
  readonly contentType: string | undefined
}

/** Throws BodyProblem. */
function readable(rules: BodyRules, settings: BodySettings): Readable {
  const written = settings.contentType
  const type = written === undefined ? undefined : known(written)
  if (type === undefined) throw refused('type', 'It does not say what it is.')
  if (MULTIPART_TYPES.has(type.type)) return multipart(rules, settings, type)
  const kind = kindOf(type)
  if (kind === undefined) throw refused('type', `Nothing reads ${type.type}.`)
  const hasFields = kind !== 'text' && kind !== 'markup'
  if (rules.byFieldAlone && !hasFields && settings.textsByDetectors !== true)
    throw refused('type', `Fields are hidden, and ${type.type} does not tell them.`)
  if (rules.byFieldAlone && type.parameters.get('header')?.toLowerCase() === 'absent')
    throw refused('type', 'Fields are hidden, and the columns have no names.')
  const utf8 = isUtf8(type.charset)
  const charset = utf8 ? undefined : knownCharset(type.charset ?? '')
  if (!utf8 && charset === undefined) throw refused('encoding', 'Nobody knows its character set.')
  if (charset === undefined)
    return { make: values => readerOf(kind, values), contentType: undefined }
  return {
    make: values => new DecodedBody(charset, readerOf(kind, values)),
    contentType: asUtf8(type),
  }
}

/** Part by part: each by what it says that it is. */
function multipart(
  rules: BodyRules,
  settings: BodySettings,
  { parameters }: ContentType,
): Readable {
  const boundary = boundaryOf(parameters)
  if (boundary === undefined) throw refused('type', 'Its boundary cannot be read.')
  const make = (values: Values) =>
    new MultipartBody(values, boundary, head => partReader(rules, settings, values, head))
  return { make, contentType: undefined }
}

function partReader(
  rules: BodyRules,
  { textsByDetectors = false }: BodySettings,
  values: Values,
  { name, isFile, contentType = 'text/plain' }: PartHead,
): BodyReader {
  const type = parseContentType(contentType)
  const plain = type?.type === 'text/plain' && isUtf8(type.charset)
  if (name !== undefined && plain && !isFile) return new FieldPart(values, name)
  if (name?.elsewhere !== undefined)
    return new HiddenPart(values, name.elsewhere, type !== undefined && kindOf(type) === 'json')
  try {
    if (type?.type.startsWith('multipart/')) throw refused('type', 'A part of it has parts.')
    // As another text it could hold what cuts parts.
    if (!isUtf8(type?.charset)) throw refused('encoding', 'A part is in another character set.')
    return readable(rules, { contentType, textsByDetectors }).make(values)
  } catch (error) {
    if (!(error instanceof BodyProblem)) throw error
    // Safe: the operator says that what cannot be read here holds nothing to mask.
    if (textsByDetectors) return clearPart
    throw error
  }
}

let latest: { readonly written: string; readonly type: ContentType | undefined } | undefined

/** Mostly the same one as before. */
function known(written: string): ContentType | undefined {
  if (latest?.written !== written) latest = { written, type: parseContentType(written) }
  return latest.type
}

function kindOf({ type }: ContentType): Kind | undefined {
  if (JSON_TYPES.has(type) || /\+json(?:-seq)?$/.test(type)) return 'json'
  if (CSV_TYPES.has(type)) return 'csv'
  if (type === 'text/tab-separated-values') return 'tsv'
  if (type === 'text/event-stream') return 'events'
  if (type === 'application/x-www-form-urlencoded') return 'form'
  if (type === 'text/html' || /^(?:text|application)\/xml$|\+xml$/.test(type)) return 'markup'
  if (type.startsWith('text/') || TEXT_TYPES.has(type) || type.endsWith('+yaml')) return 'text'
  return undefined
}

function readerOf(kind: Kind, values: Values): BodyReader {
  const { scan } = values
  switch (kind) {
    case 'json':
      // Watches send one text behind another under the type of one.
      return new JsonBody(values, { texts: 'many' })
    case 'csv':
      return new CsvBody(values)
    case 'tsv':
      return new CsvBody(values, TAB)
    case 'form':
      return new FormBody(values)
    case 'events':
      return new EventStreamBody(values)
    case 'markup':
      return new TextBody(scan === undefined ? undefined : markupScanner(scan))
    case 'text':
      return new TextBody(scan)
  }
}

function asUtf8({ type, parameters }: ContentType): string {
  const others = [...parameters].filter(([name]) => name !== 'charset')
  const rest = others.map(([name, value]) => `; ${name}="${value.replace(/["\\]/g, '\\$&')}"`)
  return `${type}${rest.join('')}; charset=utf-8`
}

function refused(fault: BodyFault, message: string): BodyProblem {
  return new BodyProblem(fault, message)
}

class Masked implements BodyMasker {
  readonly contentType: string | undefined
  readonly found = new Map<string, number>()
  readonly #values: Values
  readonly #reader: BodyReader
  #open = true

  constructor(values: Values, reader: BodyReader, contentType: string | undefined) {
    this.#values = values
    this.#reader = reader
    this.contentType = contentType
  }

  write(chunk: Uint8Array): Uint8Array[] {
    const out = this.#reader.write(chunk)
    this.#values.drain(this.found)
    return out
  }

  end(): Uint8Array[] {
    const out = this.#reader.end()
    this.abort()
    return out
  }

  abort(): void {
    if (!this.#open) return
    this.#open = false
    this.#values.close(this.found)
  }
}
