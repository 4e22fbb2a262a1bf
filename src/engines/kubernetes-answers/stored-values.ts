// What a body would store, besides what its text shows as it is: values in base64, decoded. A mask of ours among them would
// be written over the value that it stands for.
import { Buffer } from 'node:buffer'

/** Whole runs: a mask is longer than the least of them. The alphabet of URLs too, and what JSON may escape. */
const RUN = /(?:[A-Za-z0-9+/_-]|\\\/|\\u00[0-9a-f]{2}){12,}/gi
const ESCAPE = /\\(?:\/|u00([0-9a-f]{2}))/gi

/** Of a body in any form: JSON and YAML hold base64, protobuf and CBOR the bytes themselves. */
export function* storedValues(body: Uint8Array): Iterable<Uint8Array> {
  yield body
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString('latin1')
  for (const [run] of text.matchAll(RUN)) yield Buffer.from(unescaped(run), 'base64')
}

function unescaped(run: string): string {
  if (!run.includes('\\')) return run
  return run.replace(ESCAPE, (_, hex?: string) =>
    hex === undefined ? '/' : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}
