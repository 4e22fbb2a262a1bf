// What a client may ask for at startup: an allow-list, by name and form. What is not on it is refused, not
// dropped, so that nobody runs under settings other than those that were asked for. Pure.
import { searchPathOf } from '#engines/sql'
import { ProtocolError } from '#model'
import type { StartupMessage } from './startup.ts'

/** Settings that change how values are shown or how long things may take; never what a text means, never who acts. */
const allowedSettings: ReadonlySet<string> = new Set([
  'bytea_output',
  'client_min_messages',
  'datestyle',
  'default_transaction_deferrable',
  'default_transaction_isolation',
  'default_transaction_read_only',
  'extra_float_digits',
  'geqo',
  'idle_in_transaction_session_timeout',
  'idle_session_timeout',
  'intervalstyle',
  'jit',
  'lock_timeout',
  'plan_cache_mode',
  'search_path',
  'statement_timeout',
  'timezone',
  'transaction_timeout',
])

const MAX_VALUE_LENGTH = 1024
/** How many settings `options` may carry. */
const MAX_OPTIONS = 32

export interface ClientParameters {
  /** Informative: who acts is what the credential proves. A credential's id when SCRAM is to be spoken. */
  readonly user: string
  readonly resource: string
  /** False when the packet names no database, so that the resource is but libpq's guess. */
  readonly resourceNamed: boolean
  /** Another database of the same resource (`dbname=RESOURCE/OTHER`). */
  readonly database: string | undefined
  readonly applicationName: string
  /** Settings for the upstream; names in lower case. */
  readonly settings: ReadonlyMap<string, string>
  /** The encoding that was asked for, when it is not the one we speak: the client should be told. */
  readonly otherEncoding: string | undefined
}

/** Throws ProtocolError (`protocol_violation`, `setting_refused`, `message_unsupported`). */
export function clientParameters(startup: StartupMessage): ClientParameters {
  const settings = new Map<string, string>()
  let user = ''
  let database: string | undefined
  let applicationName = ''
  let encoding: string | undefined
  const pairs: (readonly [string, string])[] = []
  for (const [name, value] of startup.parameters) {
    if (name === 'options') pairs.push(...readOptions(value))
    else pairs.push([name, value])
  }
  for (const [given, value] of pairs) {
    const name = given.toLowerCase()
    if (value.length > MAX_VALUE_LENGTH) throw refused(given, 'its value is too long')
    if (name === 'user') user = value
    else if (name === 'database') database = value
    else if (name === 'application_name') applicationName = printable(value)
    else if (name === 'client_encoding') encoding = value
    else if (name === 'replication') refuseReplication(value)
    else if (name === 'standard_conforming_strings') requireOn(given, value)
    else if (!allowedSettings.has(name)) throw refused(given, 'it is not one that clients may set')
    else if (settings.has(name)) throw refused(given, 'it is given twice')
    else settings.set(name, name === 'search_path' ? safeSearchPath(given, value) : value)
  }
  if (user === '') throw new ProtocolError('protocol_violation', 'the startup packet names no user')
  // libpq's rule: without a database it is named as the user is.
  const resourceNamed = database !== undefined && database !== ''
  const target = resourceNamed ? (database ?? user) : user
  const slash = target.indexOf('/')
  return {
    user,
    resource: slash === -1 ? target : target.slice(0, slash),
    resourceNamed,
    database: slash === -1 ? undefined : target.slice(slash + 1),
    applicationName,
    settings,
    otherEncoding: otherThanUtf8(encoding),
  }
}

/**
 * `-c name=value`, `-cname=value`, `--name=value`, split as the server does: at white space, a backslash takes the next
 * character as it is. Everything else is refused: other switches reach far.
 */
function readOptions(text: string): readonly (readonly [string, string])[] {
  const words = splitOptions(text)
  const pairs: (readonly [string, string])[] = []
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    let setting: string
    if (word === '-c') {
      at += 1
      setting = words[at] ?? ''
    } else if (word.startsWith('-c')) setting = word.slice(2)
    else if (word.startsWith('--'))
      setting = word.slice(2).replace(/^[^=]*/, name => name.replaceAll('-', '_'))
    else throw refused('options', 'only -c name=value and --name=value are understood')
    const form = /^([A-Za-z_][A-Za-z0-9_]{0,62})=(.*)$/s.exec(setting)
    if (form === null)
      throw refused('options', 'only -c name=value and --name=value are understood')
    const name = form[1] ?? ''
    if (['user', 'database', 'replication', 'options'].includes(name.toLowerCase())) {
      throw refused(name, 'it is not one that clients may set')
    }
    pairs.push([name, form[2] ?? ''])
    if (pairs.length > MAX_OPTIONS) throw refused('options', 'there are too many')
  }
  return pairs
}

function splitOptions(text: string): readonly string[] {
  const words: string[] = []
  let word: string | undefined
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? ''
    if (/[ \t\n\v\f\r]/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (character === '\\') {
      at += 1
      word = (word ?? '') + (text[at] ?? '')
    } else word = (word ?? '') + character
  }
  if (word !== undefined) words.push(word)
  return words
}

function refuseReplication(value: string): void {
  if (['false', 'off', 'no', '0'].includes(value.toLowerCase())) return
  throw new ProtocolError('message_unsupported', 'replication connections are not supported', {
    hint: 'the replication protocol cannot be decided statement by statement',
  })
}

function requireOn(name: string, value: string): void {
  if (['on', 'true', 'yes', '1'].includes(value.toLowerCase())) return
  throw refused(name, 'it must be on: it changes what a string literal is')
}

/**
 * pg_catalog is searched first unless the path names it. A path that puts another schema before it lets
 * that schema's functions and tables pass for built-in ones.
 */
function safeSearchPath(name: string, value: string): string {
  const schemas = searchPathOf(value)
  if (schemas === undefined) {
    throw refused(
      name,
      'its value is not a list of schemas (those with letters beyond ASCII are quoted)',
    )
  }
  if (schemas.indexOf('pg_catalog') > 0)
    throw refused(name, 'pg_catalog must come first, or be left out')
  return value
}

/**
 * Every client gets UTF-8, and ParameterStatus says so. Another encoding that was asked for is not an error: libpq's
 * `auto` derives it from the locale. It is safe: all text is then read as strict UTF-8 by us and as UTF-8 by
 * the server, and bytes of another encoding are refused rather than misread.
 */
function otherThanUtf8(encoding: string | undefined): string | undefined {
  if (encoding === undefined) return undefined
  if (!/^'?[A-Za-z0-9 _.-]{1,63}'?$/.test(encoding)) {
    throw refused('client_encoding', 'it is not the name of an encoding')
  }
  const plain = encoding.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
  return ['utf8', 'unicode', 'auto', 'sqlascii'].includes(plain) ? undefined : encoding
}

/** As PostgreSQL cleans it: what is not printable ASCII becomes `?`. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 63)
}

function refused(name: string, why: string): ProtocolError {
  const shown = printable(name)
  return new ProtocolError('setting_refused', `startup parameter "${shown}" is refused: ${why}`, {
    hint: `allowed: application_name, client_encoding, ${[...allowedSettings].join(', ')}`,
  })
}
