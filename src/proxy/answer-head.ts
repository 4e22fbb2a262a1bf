// The head of an answer as the client gets it, and as the recording shows it. Made once for an answer that comes again and
// again, while what it was made from is the same.
import { Buffer } from 'node:buffer'
import { withoutSecretsOfAddress } from '#engines/http'
import type { Permit } from '#gateway'
import {
  Fields,
  type Framing,
  RepeatedResponse,
  type RequestHead,
  type ResponseHead,
  type Scheme,
} from '#transport/http'
import type { Injected, Way } from './dialect.ts'
import type { TagPlace } from './entity-tags.ts'
import { responseFields } from './fields.ts'
import { type PermittedRequest, tagPlace } from './permitted-request.ts'

/** What was done with the body of an answer. */
export interface TreatedBody {
  /** It is masked, or would be: what is true of the bytes alone is not told. */
  readonly masked: boolean
  /** Something is hidden in it, or may be. */
  readonly hidden: boolean
  /** What it is by then; undefined: what it was. */
  readonly contentType: string | undefined
}

export interface AnswerHeadParts extends TreatedBody {
  /** The upstream's. */
  readonly of: ResponseHead
  readonly request: RequestHead
  readonly way: Way
  readonly permit: Permit
  readonly injected: Injected
  readonly tags: TagPlace
  /** Of what goes to the client. */
  readonly body: Framing
  readonly scheme: Scheme
  readonly carrier: string | undefined
}

export interface ToldAnswer extends TreatedBody {
  readonly head: RepeatedResponse
  /** For the recording. */
  readonly text: Uint8Array
  // What it was made from; the request is the one that it is kept with.
  readonly of: ResponseHead
  readonly injected: Injected
  readonly under: object
}

/** `of`: the upstream's; `body`: of what goes to the client. The same object while it is made from the same. */
export function toldAnswer(
  asked: PermittedRequest,
  injected: Injected,
  of: ResponseHead,
  treated: TreatedBody,
  body: Framing,
): ToldAnswer {
  const { form, permit, exchange, scheme } = asked
  const kept = form?.told
  if (
    kept?.of === of &&
    kept.injected === injected &&
    kept.under === permit.under &&
    kept.masked === treated.masked &&
    kept.hidden === treated.hidden &&
    kept.contentType === treated.contentType &&
    sameFraming(kept.head.body, body)
  )
    return kept
  const { access, carrier } = asked.open
  const { request } = exchange
  const way = access.way(request)
  const told = answerHead({
    of,
    request,
    way,
    permit,
    injected,
    ...treated,
    tags: tagPlace(asked),
    body,
    scheme,
    carrier,
  })
  if (form !== undefined) form.told = told
  return told
}

export function answerHead(parts: AnswerHeadParts): ToldAnswer {
  const { of, request, way, permit, injected, masked, hidden, contentType, body, scheme } = parts
  const host = request.fields.get('host') ?? ''
  const fields = responseFields(of, {
    masked,
    hidden,
    tagged: permit.masks ? parts.tags : undefined,
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
    hidden,
    contentType,
  }
}

function sameFraming(a: Framing, b: Framing): boolean {
  return (
    a === b ||
    (a.kind === 'length' ? b.kind === 'length' && a.length === b.length : a.kind === b.kind)
  )
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

/** Fields without what the principal may not see, and without our credential. */
export function shownFields(fields: Fields, permit: Permit, secrets: readonly string[]): Fields {
  if (fields.size === 0 || (!permit.masks && secrets.length === 0)) return fields
  return Fields.of(
    ...[...fields].map(([name, value]) => [name, shownValue(value, permit, secrets)] as const),
  )
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
