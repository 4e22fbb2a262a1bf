// The head of an HTTP/1.x response, as strict as that of a request: an upstream that is read differently by two is a way to
// slip answers to somebody else.

import { readFieldLines } from './field-lines.ts'
import { Fields } from './fields.ts'
import type { HttpLimits } from './limits.ts'
import { bodyFollows, type Framing, NO_BODY, type ResponseHead, STREAM } from './message.ts'
import { HttpRefusal } from './refusal.ts'
import { lengthFraming } from './request-head.ts'

export interface ReadResponse {
  readonly head: ResponseHead
  /** Whether a body follows, and how it ends. `close`: with the connection. */
  readonly follows: 'none' | 'length' | 'chunked' | 'close'
  /** The connection is not used again. */
  readonly close: boolean
}

/** `text` is latin1, without the empty line that ends it; `method` is that of the request. */
export function readResponseHead(text: string, method: string, limits: HttpLimits): ReadResponse {
  const line = text.indexOf('\r\n')
  const first = line === -1 ? text : text.slice(0, line)
  const parts = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: ([\t\x20-\x7e\x80-\xff]*))?$/.exec(first)
  if (parts === null) throw new HttpRefusal('status_line')
  const [, minor, digits, reason = ''] = parts
  const status = Number(digits)
  const flat: string[] = []
  let length: string | undefined
  let encoding: string | undefined
  let connection = ''
  if (line !== -1)
    readFieldLines(text, line + 2, limits.fields, (name, value) => {
      if (name === 'content-length') {
        if (length !== undefined) throw new HttpRefusal('length_invalid')
        length = value
      } else if (name === 'transfer-encoding') {
        if (encoding !== undefined) throw new HttpRefusal('transfer_encoding')
        encoding = value
      } else {
        if (name === 'connection') connection += `,${value.toLowerCase()}`
        flat.push(name, value)
      }
    })
  if (encoding !== undefined && length !== undefined) throw new HttpRefusal('length_and_encoding')
  if (encoding !== undefined && (minor === '0' || encoding.toLowerCase() !== 'chunked'))
    throw new HttpRefusal('transfer_encoding')
  const declared: Framing | undefined =
    encoding !== undefined ? STREAM : length === undefined ? undefined : lengthFraming(length)
  // RFC 9110 section 8.6 and RFC 9112 section 6.1: an answer without a body that says it has one has lost its place.
  if (status < 200 && declared !== undefined) throw new HttpRefusal('length_invalid')
  if (status === 204 && declared !== undefined && !(length === '0'))
    throw new HttpRefusal('length_invalid')
  const bodied = bodyFollows(method, status)
  const follows = !bodied
    ? 'none'
    : encoding !== undefined
      ? 'chunked'
      : length !== undefined
        ? 'length'
        : 'close'
  const options = connection.split(',').map(option => option.trim())
  return {
    head: {
      status,
      reason,
      fields: new Fields(flat),
      body: declared ?? (bodied ? STREAM : NO_BODY),
    },
    follows,
    close:
      follows === 'close' ||
      options.includes('close') ||
      (minor === '0' && !options.includes('keep-alive')),
  }
}
