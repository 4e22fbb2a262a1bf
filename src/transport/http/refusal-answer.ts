// What a client is told whose request cannot be read (RFC 9457).
import { Fields } from './fields.ts'
import type { ResponseHead } from './message.ts'
import type { HttpRefusal } from './refusal.ts'

export function problem(refusal: HttpRefusal): { head: ResponseHead; body: string } {
  const body = JSON.stringify({
    type: 'about:blank',
    title: 'The request cannot be read in one way only',
    status: refusal.status,
    detail: refusal.message,
    code: refusal.code,
    rule: refusal.rule,
  })
  return {
    head: {
      status: refusal.status,
      fields: Fields.of(
        ['content-type', 'application/problem+json'],
        ['cache-control', 'no-store'],
      ),
      body: { kind: 'length', length: Buffer.byteLength(body) },
    },
    body,
  }
}
