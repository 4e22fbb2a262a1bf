// Messages of a stream that come whole: an event's data, a text of a WebSocket. JSON as a rule, a text otherwise.
import { Buffer } from 'node:buffer'
import { BodyProblem } from './body.ts'
import { JsonBody } from './json-body.ts'
import { type BodyRules, UNNAMED } from './rules.ts'
import { Values } from './values.ts'

/** The message with what is hidden masked; undefined: nothing is. Throws BodyProblem. */
export function maskedMessage(values: Values, text: string): string | undefined {
  if (!/^\s*[[{"]/.test(text)) return maskedText(values, text)
  const bytes = Buffer.from(text)
  try {
    const body = new JsonBody(values, { texts: 'many' })
    const masked = Buffer.concat([...body.write(bytes), ...body.end()])
    return masked.equals(bytes) ? undefined : masked.toString('utf8')
  } catch (error) {
    if (!(error instanceof BodyProblem)) throw error
    // A text such as `[DONE]`: it has no fields. What begins like an object had some.
    if (values.rules.byFieldAlone && /^\s*\{/.test(text)) throw error
    return maskedText(values, text)
  }
}

/** A text that has no fields. */
export function maskedText(values: Values, text: string): string | undefined {
  const bytes = Buffer.from(text)
  values.place(UNNAMED, bytes.length).set(bytes)
  if (!values.scanned(UNNAMED, bytes.length)) return undefined
  return Buffer.from(values.out.subarray(values.start, values.end)).toString('utf8')
}

export interface MessageMasker {
  /** One message, whole: what may be seen of it. Throws BodyProblem. */
  mask(message: Uint8Array): Uint8Array
  /** How many values were hidden so far, by class. */
  readonly found: ReadonlyMap<string, number>
  /** No more come. */
  close(): void
}

export function createMessageMasker(rules: BodyRules): MessageMasker {
  const values = new Values(rules)
  const found = new Map<string, number>()
  let open = true
  return {
    mask(message) {
      const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString('utf8')
      values.scan?.begin()
      const masked = maskedMessage(values, text)
      values.drain(found)
      return masked === undefined ? message : Buffer.from(masked)
    },
    found,
    close() {
      if (open) values.close(found)
      open = false
    },
  }
}
