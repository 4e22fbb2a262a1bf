// The head of an answer as the client gets it, and as the recording shows it. Made once for an answer that comes again and
// again, while what it was made from is the same.
import { Buffer } from 'node:buffer'
import { withoutSecretsOfAddress } from '#engines/http'
import type { Permit } from '#gateway'
import {
  type Framing,
  RepeatedResponse,
  type RequestHead,
  type ResponseHead,
  type Scheme,
} from '#transport/http'
import type { Injected, Way } from './dialect.ts'
import { responseFields } from './fields.ts'

export interface AnswerHeadParts {
  /** The upstream's. */
  readonly of: ResponseHead
  readonly request: RequestHead
  readonly way: Way
  readonly permit: Permit
  readonly injected: Injected
  /** Its body is masked, or would be. */
  readonly masked: boolean
  readonly contentType: string | undefined
  /** Of what goes to the client. */
  readonly body: Framing
  readonly scheme: Scheme
  readonly carrier: string | undefined
}

export interface ToldAnswer {
  readonly head: RepeatedResponse
  /** For the recording. */
  readonly text: Uint8Array
  // What it was made from; the request is the one that it is kept with.
  readonly of: ResponseHead
  readonly injected: Injected
  readonly under: object
  readonly masked: boolean
  readonly contentType: string | undefined
}

export function answerHead(parts: AnswerHeadParts): ToldAnswer {
  const { of, request, way, permit, injected, masked, contentType, body, scheme } = parts
  const host = request.fields.get('host') ?? ''
  const fields = responseFields(of, {
    masked,
    contentType,
    own: host === '' ? undefined : `${scheme}://${host}`,
    way,
    challenges: parts.carrier === 'sallyport-authorization',
    scrub: value => shownValue(value, permit, injected.secrets),
  })
  // Some frameworks put what went wrong there, in words.
  const reason = shownValue(of.reason ?? '', permit, injected.secrets)
  return {
    head: new RepeatedResponse({ ...of, ...(reason === '' ? {} : { reason }), fields, body }),
    text: headText(of.status, reason, fields),
    of,
    injected,
    under: permit.under,
    masked,
    contentType,
  }
}

const SECRET_FIELDS = /^(?:set-cookie|authorization|.*(?:token|secret|api-?key).*)$/

/** What a recording shows of an answer's head. */
function headText(
  status: number,
  reason: string,
  fields: Iterable<readonly [string, string]>,
): Uint8Array {
  const lines = [...fields].map(
    ([name, value]) =>
      `${name}: ${SECRET_FIELDS.test(name) ? '[secret]' : withoutSecretsOfAddress(value)}\n`,
  )
  return Buffer.from(`HTTP ${status} ${reason}\n${lines.join('')}\n`)
}

/** A field's value without what the principal may not see, and without our credential. */
export function shownValue(value: string, permit: Permit, secrets: readonly string[]): string {
  const masked = permit.masks ? permit.scrub(value) : value
  // What stands for a value may be of letters that no field can hold.
  const sendable =
    masked === value
      ? value
      : masked.replace(/[^\t\x20-\x7e\x80-\xff]/gu, found => BRACKETS[found] ?? '?')
  return secrets.reduce((text, secret) => text.replaceAll(secret, '[secret]'), sendable)
}

const BRACKETS: Readonly<Record<string, string>> = { '⟦': '[', '⟧': ']' }
