// What is done with the body of an answer: passed on, masked, or refused because nobody here can read it.
import { BodyProblem } from '#engines/bodies'
import { AccessDenied } from '#model'
import { Body, contentCodings, decodeContent, type ResponseHead } from '#transport/http'
import type { AskedAnswer, ReadAnswer } from './dialect.ts'
import type { PermittedRequest } from './permitted-request.ts'

/** As the wire reads it, or else by its content type. Throws AccessDenied. */
export function readAs(
  { open: { access }, permit, exchange: { request } }: PermittedRequest,
  head: ResponseHead,
  body: Body,
): ReadAnswer {
  const asked: AskedAnswer = { permit, request, head, body }
  return access.answer?.(asked) ?? readAnswer(asked, access.unreadable)
}

/** Whether something would be hidden in what such a head announces. */
export function isHiddenIn(request: PermittedRequest, head: ResponseHead): boolean {
  if (head.fields.has('content-encoding')) return true
  try {
    const { masker } = readAs(request, head, Body.empty())
    masker?.abort()
    return masker !== undefined
  } catch (error) {
    // Safe: what would be refused is not told of.
    if (error instanceof AccessDenied) return true
    throw error
  }
}

/** Throws AccessDenied. */
export function readAnswer(
  { permit, head, body }: AskedAnswer,
  unreadable: 'refuse' | 'pass',
): ReadAnswer {
  const plain = { body, masker: undefined }
  if (!permit.masks) return plain
  const types = head.fields.all('content-type')
  const [contentType] = types
  try {
    if (types.length > 1) throw new BodyProblem('type', 'It says twice what it is.')
    // Of a part nobody can tell what it is a part of.
    if (head.status === 206) throw new BodyProblem('type', 'It is a part of something.')
    const codings = contentCodings(head.fields)
    if (codings === undefined) throw new BodyProblem('encoding', 'Its encoding is unknown here.')
    const masker = permit.body({ contentType, textsByDetectors: unreadable === 'pass' })
    if (masker === undefined) return plain
    return { masker, body: decodeContent(body, codings) }
  } catch (error) {
    if (!(error instanceof BodyProblem)) throw error
    // Safe: the operator says that answers of such kinds hold nothing to mask.
    if (unreadable === 'pass') return plain
    throw unreadableAnswer(error)
  }
}

export function unreadableAnswer(problem: BodyProblem): AccessDenied {
  return new AccessDenied(
    'answer_unreadable',
    `something is masked for you, and this answer cannot be read here: ${problem.message}`,
    {
      hint: "Ask for JSON; or whoever runs the gateway sets the resource's upstream.unreadable: pass.",
      cause: problem,
    },
  )
}

const TEXT =
  /^(?:text\/|application\/(?:[\w.+-]*\+)?(?:json|xml|yaml)\b|application\/(?:x-)?(?:ndjson|www-form-urlencoded|javascript)\b)/i

/** Whether it is something to be read in a recording. */
export function isText({ fields }: ResponseHead): boolean {
  return TEXT.test(fields.get('content-type') ?? '') && contentCodings(fields)?.length === 0
}
