// What is done with the body of an answer: passed on, rewritten, or refused because nobody here can read it.
import type { Permit } from '#gateway'
import { AccessDenied } from '#model'
import type { ResponseHead } from '#transport/http'
import type { Rewriter } from './answer.ts'

/** Text of some kind, by its own name. */
const READABLE =
  /^(?:text\/[^;]+|application\/(?:[\w.+-]*\+)?(?:json|xml|yaml)|application\/(?:x-ndjson|ndjson|jsonl|json-seq|json-lines|x-www-form-urlencoded|javascript|ecmascript|graphql|problem\+json|toml|csv|xhtml\+xml))\s*(?:;|$)/i
const CHARSET = /;\s*charset\s*=\s*"?([\w-]+)/i
const UTF8_LIKE: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii'])

export function isReadable({ fields }: ResponseHead): boolean {
  const type = fields.get('content-type') ?? ''
  const charset = CHARSET.exec(type)?.[1]?.toLowerCase() ?? 'utf-8'
  const encodings = fields
    .list('content-encoding')
    .filter(each => each.toLowerCase() !== 'identity')
  return READABLE.test(type) && UTF8_LIKE.has(charset) && encodings.length === 0
}

/** Undefined: nothing is to be done. Throws AccessDenied. */
export function rewriterFor(
  permit: Permit,
  head: ResponseHead,
  unreadable: 'refuse' | 'pass',
): Rewriter | undefined {
  if (!permit.masks) return undefined
  if (head.status === 206) throw unreadableAnswer('a part of something masked')
  if (!isReadable(head)) {
    if (unreadable === 'pass') return undefined
    throw unreadableAnswer((head.fields.get('content-type') ?? 'no content type').slice(0, 64))
  }
  const text = permit.text()
  return { write: chunk => text.write(chunk), end: () => text.flush() }
}

function unreadableAnswer(what: string): AccessDenied {
  return new AccessDenied(
    'answer_unreadable',
    `something is masked for you, and the answer cannot be read here: ${what}`,
    { hint: 'The resource may say unreadable: pass, where such answers hold nothing to mask.' },
  )
}
