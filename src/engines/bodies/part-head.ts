// The head of a part of a multipart body: what the part is, what it is called, and what of the head goes on.
import { Buffer } from 'node:buffer'
import { BodyProblem } from './body.ts'
import { parseParameters } from './content-type.ts'
import { lastName } from './form-body.ts'
import { type NameEntry, UNNAMED } from './rules.ts'
import type { Values } from './values.ts'

export interface PartHead {
  readonly contentType: string | undefined
  /** What a form calls it; undefined: it has no name. */
  readonly name: NameEntry | undefined
  readonly isFile: boolean
  /** What goes on of it: lines with their ends. */
  readonly text: string
}

const FIELD = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/
/** True of the bytes as they came, and perhaps not of those that go on. */
const DROPPED: ReadonlySet<string> = new Set(
  'content-length content-md5 content-digest repr-digest digest etag'.split(' '),
)
const ENCODED = new Set(['content-encoding', 'transfer-encoding', 'content-range'])
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws BodyProblem. */
export function readPartHead(bytes: Uint8Array, values: Values): PartHead {
  const fields = new Map<string, string>()
  let text = ''
  for (const line of linesOf(bytes)) {
    const [, written = '', rest = ''] = FIELD.exec(line) ?? []
    const value = rest.trimEnd()
    const name = written.toLowerCase()
    if (name === '' || fields.has(name)) throw malformed('the head of a part cannot be read')
    if (ENCODED.has(name))
      throw new BodyProblem('encoding', 'A part is encoded, or is cut out of something.')
    if (name === 'content-transfer-encoding' && !/^(?:7bit|8bit|binary)$/i.test(value))
      throw new BodyProblem('encoding', 'The encoding of a part is unknown here.')
    fields.set(name, value)
    if (!DROPPED.has(name)) text += `${written}: ${shown(value, values)}\r\n`
  }
  const { name, isFile } = calledOf(fields.get('content-disposition'))
  return {
    contentType: fields.get('content-type'),
    name: name === undefined ? undefined : entryOf(name, values),
    isFile,
    text,
  }
}

function linesOf(bytes: Uint8Array): readonly string[] {
  if (bytes.length === 0) return []
  try {
    return utf8.decode(bytes).split('\r\n')
  } catch (error) {
    throw new BodyProblem('encoding', 'The head of a part is not UTF-8.', error)
  }
}

function calledOf(disposition: string | undefined) {
  if (disposition === undefined) return { name: undefined, isFile: false }
  const [, rest] = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\s*((?:;.*)?)$/.exec(disposition) ?? []
  const parameters = rest === undefined ? undefined : parseParameters(rest)
  // A name in another spelling (RFC 5987) is not told by all readers alike.
  if (parameters === undefined || parameters.has('name*'))
    throw malformed('the name of a part cannot be read')
  const name = parameters.get('name')
  return {
    // Browsers write quotes and line ends so.
    name: name?.replaceAll(/%22/g, '"').replaceAll(/%0D|%0A/gi, ' '),
    isFile: parameters.has('filename') || parameters.has('filename*'),
  }
}

/** `user[card]` is called `card`, as in other forms. */
function entryOf(name: string, { rules }: Values): NameEntry {
  const called = Buffer.from(lastName(name))
  return rules.names.known(called, 0, called.length) ?? rules.names.learn(called)
}

/** Without what detectors find. */
function shown(value: string, values: Values): string {
  const bytes = Buffer.from(value)
  values.place(UNNAMED, bytes.length).set(bytes)
  if (!values.scanned(UNNAMED, bytes.length)) return value
  return Buffer.from(values.out.subarray(values.start, values.end))
    .toString('utf8')
    .replaceAll(/[\r\n"\\]/g, '')
}

function malformed(why: string): BodyProblem {
  return new BodyProblem('malformed', `It is not multipart as everybody reads it: ${why}.`)
}
