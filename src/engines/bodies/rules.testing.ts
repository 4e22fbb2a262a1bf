// Rules that the tests of this room share.
import { Buffer } from 'node:buffer'
import { parsePointer } from '#engines/json'
import { createMasking } from '#engines/masking'
import type { DataClass } from '#model'
import type { BodyReader } from './body.ts'
import { type BodyRules, createBodyRules } from './rules.ts'

const classes: DataClass[] = [
  { name: 'secret-name', columns: [], mask: 'redact' },
  { name: 'gone', columns: [], mask: 'null' },
  { name: 'card', columns: [], detect: 'card', mask: 'redact' },
  { name: 'email', columns: [], detect: 'email', mask: 'partial' },
  { name: 'ssn', columns: [], detect: 'us-ssn', mask: 'redact' },
  { name: 'key', columns: [], detect: 'private-key', mask: 'redact' },
]
export const masking = createMasking({ classes, tokenKey: new Uint8Array(32) })
export const detected: readonly string[] = ['card', 'email', 'ssn', 'key']

export function rulesOf(
  hidden: {
    readonly [dataClass: string]: {
      readonly names?: readonly string[]
      readonly pointers?: readonly string[]
    }
  } = {},
  scanned: readonly string[] = detected,
): BodyRules {
  return createBodyRules({
    fields: Object.entries(hidden).map(([dataClass, { names = [], pointers = [] }]) => ({
      names,
      pointers: pointers.map(each => parsePointer(each)!),
      detected: detected.includes(dataClass),
      plan:
        dataClass === 'gone'
          ? { kind: 'null', dataClass }
          : { kind: 'mask', dataClass, write: masking.masker(dataClass) },
    })),
    scanner: () => masking.scanner(scanned),
    redaction: { dataClass: 'card', write: masking.masker('card') },
  })
}

/** All that comes out when the pieces go in. */
export function through(body: BodyReader, pieces: readonly (string | Uint8Array)[]): string {
  const out = pieces.flatMap(piece => body.write(Buffer.from(piece)).map(each => Buffer.from(each)))
  return Buffer.concat([...out, ...body.end()]).toString()
}

/** Every way to cut it in two, and byte by byte, gives what it gives in one piece: this. */
export function everyCut(body: () => BodyReader, text: string | Uint8Array): string {
  const bytes = Buffer.from(text)
  const whole = through(body(), [bytes])
  for (let at = 1; at < bytes.length; at++) {
    const cut = through(body(), [bytes.subarray(0, at), bytes.subarray(at)])
    if (cut !== whole) throw new Error(`cut at ${at}: ${cut}, in one piece: ${whole}`)
  }
  const single = through(
    body(),
    Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
  )
  if (single !== whole) throw new Error(`byte by byte: ${single}, in one piece: ${whole}`)
  return whole
}
