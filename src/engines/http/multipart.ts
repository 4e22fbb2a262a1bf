// multipart/form-data (RFC 7578) as everybody reads it, for what policies ask of a form. A form that two readers could cut
// differently is refused: a boundary anywhere but where it cuts, line ends that are not CRLF, names in two spellings, encodings.
import type { Buffer } from 'node:buffer'
import { InvalidRequest } from '#model'

export interface MultipartForm {
  /** Of parts that are texts, by their names. */
  readonly texts: ReadonlyMap<string, readonly string[]>
  /** Names of parts that are files. */
  readonly files: ReadonlySet<string>
}

const TYPE = /^multipart\/form-data\s*;\s*boundary=(?:"([^"\\]+)"|([^\s;"]+))\s*$/i
/** RFC 2046 section 5.1.1, without the blank that may stand within. */
const BOUNDARY = /^[A-Za-z0-9'()+_,\-./:=?]{1,70}$/
const DISPOSITION = /^form-data; name="([^"\\\r\n]*)"(?:; filename="([^"\\\r\n]*)")?$/
const TEXT_TYPE = /^text\/plain(?:\s*;\s*charset="?utf-8"?)?$/i
const MOST_PARTS = 200
const MOST_HEAD = 2_048
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Throws InvalidRequest. Undefined: the type is another one. */
export function readMultipart(bytes: Buffer, contentType: string): MultipartForm | undefined {
  if (!/^multipart\/form-data\b/i.test(contentType)) return undefined
  const [, quoted, plain] = TYPE.exec(contentType) ?? []
  const boundary = quoted ?? plain ?? ''
  if (!BOUNDARY.test(boundary)) throw unreadable('its boundary cannot be read')
  const texts = new Map<string, string[]>()
  const files = new Set<string>()
  for (const part of partsOf(bytes, boundary)) {
    const { name, file, value } = readPart(part)
    if (file) files.add(name)
    else texts.set(name, [...(texts.get(name) ?? []), textOf(value)])
  }
  return { texts, files }
}

/** What stands between the delimiters; nothing may stand before the first or behind the last. */
function partsOf(bytes: Buffer, boundary: string): readonly Buffer[] {
  const dashes = `--${boundary}`
  const parts: Buffer[] = []
  let at = dashes.length
  if (bytes.toString('latin1', 0, at) !== dashes)
    throw unreadable('it does not begin with its boundary')
  for (;;) {
    const next = bytes.toString('latin1', at, at + 2)
    if (next === '--') {
      const rest = bytes.toString('latin1', at + 2, at + 6)
      if (rest !== '' && rest !== '\r\n') throw unreadable('something stands behind its end')
      return parts
    }
    if (next !== '\r\n') throw unreadable('a boundary does not end its line')
    const end = bytes.indexOf(`\r\n${dashes}`, at)
    // Some readers take LF alone, or a boundary within a line.
    if (end < 0 || bytes.indexOf(dashes, at) !== end + 2)
      throw unreadable('a boundary stands where it cuts nothing')
    // A part without a head begins with the line end that the boundary needs.
    parts.push(bytes.subarray(at + 2, Math.max(end, at + 2)))
    if (parts.length > MOST_PARTS) throw unreadable(`it has more than ${MOST_PARTS} parts`)
    at = end + 2 + dashes.length
  }
}

function readPart(part: Buffer) {
  const end = part.indexOf('\r\n\r\n')
  if (end < 0 || end > MOST_HEAD) throw unreadable('a part has no head')
  const fields = new Map<string, string>()
  for (const line of textOf(part.subarray(0, end)).split('\r\n')) {
    const [, name, value] = /^([A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*$/.exec(line) ?? []
    const folded = name?.toLowerCase()
    if (folded === undefined || value === undefined || fields.has(folded))
      throw unreadable('the head of a part cannot be read')
    if (folded !== 'content-disposition' && folded !== 'content-type')
      throw unreadable('a part has a field that changes how it is read')
    fields.set(folded, value)
  }
  const [, name, file] = DISPOSITION.exec(fields.get('content-disposition') ?? '') ?? []
  // Browsers write quotes and line ends of a name as escapes, and not everybody undoes them.
  if (name === undefined || name === '' || /%|\p{Cc}/u.test(name))
    throw unreadable('a part has no plain name')
  const type = fields.get('content-type')
  if (file === undefined && type !== undefined && !TEXT_TYPE.test(type))
    throw unreadable('a field of it is no plain text')
  return { name, file: file !== undefined, value: part.subarray(end + 4) }
}

function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch (cause) {
    throw unreadable('it is not UTF-8', cause)
  }
}

function unreadable(reason: string, cause?: unknown): InvalidRequest {
  return new InvalidRequest(
    'statement_unreadable',
    `the multipart form cannot be read in one way only: ${reason}`,
    cause === undefined ? {} : { cause },
  )
}
