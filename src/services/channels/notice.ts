// A request, as a channel may tell it: the words that people read, and no more of the statement than the channel's
// setting allows. Bound values never leave. Each target escapes for its own markup.
import { type AccessRequest, askedFor } from '#model'
import { cut, line, unlinked } from './text.ts'

/** Enough for a decision, and within every target's limits; more is read on the request's page. */
const MOST_STATEMENT = 2_500
const MOST_REASON = 500
const MOST_NAMED = 8

export interface Notice {
  readonly request: string
  readonly kind: AccessRequest['kind']
  readonly state: AccessRequest['state']
  readonly digest: string
  /** One line: who asks for what on which resource. */
  readonly title: string
  readonly who: string
  readonly resource: string
  /** What it does to which objects. */
  readonly what: string
  /** Why it waits: the policies' own words, and their ids. */
  readonly held: string
  readonly policies: readonly string[]
  /** Who may decide, and how many of them it takes. */
  readonly approvers: string
  /** Who said yes already, while it waits for more of them. */
  readonly yes?: string
  readonly expiresAt: number
  /** With `show: statement` alone. */
  readonly statement?: string
  /** So many characters of the statement are not shown. */
  readonly statementLeft: number
  /** So many bound values are shown on the request's page alone. */
  readonly values: number
  /** Nothing of what is asked for is left out: who reads it here has seen it all. */
  readonly whole: boolean
  /** The asker's own words: nobody vouches for them. With `show: statement` alone. */
  readonly reason?: string
  /** What became of it, and by whom; once it is decided. */
  readonly outcome?: string
  /** The request's page. Absent without `url`. */
  readonly link?: string
}

export function noticeOf(
  request: AccessRequest,
  { show, url }: { show: 'summary' | 'statement'; url: string | undefined },
): Notice {
  const what = whatOf(request)
  const shown = show === 'statement'
  const statement = request.kind === 'statement' ? request.statement : ''
  const text = cut(statement, MOST_STATEMENT)
  const values = request.kind === 'statement' ? request.parameters.length : 0
  return {
    request: request.id,
    kind: request.kind,
    state: request.state,
    digest: request.digest,
    title: titleOf(request, what),
    who: whoOf(request),
    resource: line(request.resource),
    what,
    held: line(request.message, 500),
    policies: request.policies.slice(0, MOST_NAMED).map(each => line(each, 64)),
    approvers: approversOf(request),
    ...(request.state === 'pending' && request.votes.length > 0
      ? { yes: named(request.votes.map(({ approver }) => approver)) }
      : {}),
    expiresAt: request.expiresAt,
    ...(shown && statement !== '' ? { statement: text.text } : {}),
    statementLeft: shown ? text.left : 0,
    values,
    whole: request.kind === 'time' || (shown && text.left === 0 && values === 0),
    ...(shown && request.reason !== undefined
      ? { reason: unlinked(line(request.reason, MOST_REASON)) }
      : {}),
    ...(request.state === 'pending' ? {} : { outcome: outcomeOf(request) }),
    ...(url === undefined ? {} : { link: `${url}/requests/${encodeURIComponent(request.id)}` }),
  }
}

function titleOf(request: AccessRequest, what: string): string {
  const [who, where] = [line(request.principal, 80), line(request.resource, 64)]
  return request.kind === 'review'
    ? `${who} broke the glass on ${where}: somebody has to review it`
    : `${who} asks for ${line(what, 120)} on ${where}`
}

function whoOf({ principal, principalKind, actor }: AccessRequest): string {
  const kind = principalKind === 'agent' ? 'agent' : 'person'
  const through = actor === undefined ? '' : `, through ${line(actor, 128)}`
  return `${kind} ${line(principal, 128)}${through}`
}

function whatOf(request: AccessRequest): string {
  if (request.kind !== 'statement') return line(askedFor(request))
  const { verbs, objects, flags } = request
  // Both come out of the statement: a table may be called like an address.
  const doing = named(verbs.map(unlinked)) || 'a statement'
  const on = objects.filter(each => each !== '').map(unlinked)
  const marks = flags.length === 0 ? '' : ` (${named(flags)})`
  return `${doing}${on.length === 0 ? '' : ` ${named(on)}`}${marks}`
}

function named(names: readonly string[]): string {
  const shown = names.slice(0, MOST_NAMED).map(each => line(each, 80))
  const more = names.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function approversOf({ approvers, quorum, needs }: AccessRequest): string {
  const all = needs ?? [{ groups: approvers, count: quorum }]
  return all
    .slice(0, MOST_NAMED)
    .map(({ groups, count }) => {
      const who = groups.length === 0 ? 'whoever may approve' : `group ${named(groups)}`
      return count > 1 ? `${count} of ${who}` : who
    })
    .join(' and ')
}

function outcomeOf({ state, votes }: AccessRequest): string {
  const wanted = state === 'denied' ? 'deny' : 'approve'
  const by = votes.filter(({ vote }) => vote === wanted).map(({ approver }) => approver)
  const decided = ['approved', 'denied', 'consumed'].includes(state)
  // Used since: what people decided is still the news.
  const word = state === 'consumed' ? 'approved' : state
  return decided && by.length > 0 ? `${word} by ${named(by)}` : word
}
