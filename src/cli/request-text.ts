// One request for a person's eyes: who asks what, why it is held, and what it would do. Everything that came from
// outside is escaped, and what several lines hold is set off, so that it cannot pass for ours.
import type { AccessRequestView } from '#contract'
import { colors } from './colors.ts'
import { plain, valuesText, when } from './report.ts'

/** The state in words; the arrow marks what the reader may decide. */
export function stateText(request: AccessRequestView, now = Date.now()): string {
  const { kind, state, expiresAt, mayVote } = request
  const arrow = mayVote ? ' ←' : ''
  if (kind !== 'review') return state + arrow
  if (state !== 'pending') return 'reviewed'
  return (expiresAt <= now ? 'OVERDUE' : 'to review') + arrow
}

export function requestText(request: AccessRequestView): string {
  const through = request.actor === undefined ? '' : ` through ${plain(request.actor)}`
  const owned =
    request.owners.length === 0 ? '' : ` (owned by ${plain(request.owners.join(' and '))})`
  const who = `${plain(request.principal)}${through}${owned}`
  const lines = [
    `${plain(request.id)} is ${colors.bold(plain(stateText({ ...request, mayVote: false })))}`,
  ]
  if (request.kind === 'statement') lines.push(...statementLines(request, who))
  else if (request.kind === 'time') lines.push(...timeLines(request, who))
  else lines.push(...reviewLines(request, who))
  return lines.join('\n')
}

function timeLines(request: AccessRequestView, who: string): readonly string[] {
  const lines = [`  ${who} asks for ${plain(request.resource)}: ${plain(request.statement)}`]
  for (const { action, effect } of request.outlook ?? [])
    lines.push(`  ${plain(action)}: ${OUTLOOK[effect]}`)
  if (request.policies.length > 0)
    lines.push(
      `  asked of people by: ${plain(request.message)} (${plain(request.policies.join(', '))})`,
    )
  lines.push(...saidLines(request))
  if (request.state === 'pending')
    lines.push(...yesLines(request), `  can be decided until ${when(request.expiresAt)}`)
  if (request.state === 'approved')
    lines.push(`  in force until ${when(request.expiresAt)}: ${plain(request.grant ?? '')}`)
  return lines
}

function reviewLines(request: AccessRequestView, who: string): readonly string[] {
  const lines = [
    `  ${who} broke the glass on ${plain(request.resource)} at ${when(request.createdAt)}, until ${when(request.until)}: ${plain(request.grant ?? '')}`,
    ...saidLines(request),
  ]
  if (request.state === 'pending')
    lines.push(
      `  another person looks at it by ${when(request.expiresAt)}: sallyport review ${plain(request.id)} --note …`,
    )
  for (const { approver, reason } of request.votes)
    lines.push(`  ${plain(approver)} looked at it: ${plain(reason ?? '')}`)
  return lines
}

const OUTLOOK = {
  permit: 'permitted with it',
  held: 'each time held for a person, with it too',
  deny: 'refused all the same',
} as const

/** An agent's own words can be made to persuade: they are never ours. */
function saidLines({ reason }: AccessRequestView): readonly string[] {
  return reason === undefined ? [] : [`  who asks says (unverified): ${colors.dim(plain(reason))}`]
}

/** Who has said yes, of how many; for each group where each has its own count. */
function yesLines({ needs, quorum, votes }: AccessRequestView): readonly string[] {
  const yes = votes.filter(({ vote }) => vote === 'approve')
  const each = (needs ?? []).map(({ groups, count }, place) => {
    const said = yes.filter(({ counts }) => counts?.includes(place) === true).length
    return `  ${Math.min(said, count)} of ${count}: ${plain(groups.join(' or ') || 'whoever may approve')}`
  })
  return [`  ${yes.length} of ${quorum} have said yes`, ...each]
}

function statementLines(request: AccessRequestView, who: string): readonly string[] {
  const { statement } = request
  const asked = `  ${who} on ${plain(request.resource)}:`
  const lines = statement.includes('\n')
    ? [asked, ...setOff(statement)]
    : [`${asked} ${plain(statement)}`]
  if (request.parameters.length > 0) {
    lines.push(`  with ${plain(valuesText(request.parameters))}`)
  }
  lines.push(`  held: ${plain(request.message)} (${plain(request.policies.join(', '))})`)
  if (request.flags.length > 0) lines.push(`  it is ${plain(request.flags.join(', '))}`)
  lines.push(...saidLines(request))
  if (request.preview !== undefined) lines.push(...previewLines(request.preview))
  if (request.state === 'pending') {
    lines.push(...yesLines(request))
    const { preview, defaultMaxRows } = request
    if (
      preview !== undefined &&
      defaultMaxRows === undefined &&
      preview.estimate?.effect !== 'returns'
    )
      lines.push('  a yes sets no bound on rows')
    if (defaultMaxRows !== undefined)
      lines.push(
        `  a yes allows ${rowsOf(defaultMaxRows)} to change at most; --max-rows sets another bound`,
      )
  }
  if (request.maxRows !== undefined) lines.push(`  at most ${rowsOf(request.maxRows)}`)
  return lines
}

function previewLines({
  tables,
  estimate,
  plan,
  changes,
  unavailable,
  notes,
}: NonNullable<AccessRequestView['preview']>): readonly string[] {
  const lines: string[] = []
  if (estimate !== undefined) {
    const unbounded = estimate.effect === 'changes' && !estimate.guarded
    lines.push(
      `  it ${estimate.effect} about ${rowsOf(estimate.rows)}, by the estimate${unbounded ? '; they cannot be counted as it runs' : ''}`,
    )
  }
  for (const { name, kind, rows, exact, dependents } of tables) {
    const size = rows === undefined ? 'rows not known' : `${exact ? '' : 'about '}${rowsOf(rows)}`
    const rest =
      dependents === undefined || dependents === 0 ? '' : `; ${dependents} others rest on it`
    lines.push(`  ${plain(kind)} ${plain(name)}: ${size}${rest}`)
  }
  for (const note of notes) lines.push(`  note: ${plain(note)}`)
  if (unavailable !== undefined) lines.push(`  no preview: ${plain(unavailable)}`)
  if (changes !== undefined) lines.push('  it would change:', ...setOff(changes))
  if (plan !== undefined) lines.push('  plan:', ...setOff(plan).map(line => colors.dim(line)))
  return lines
}

function setOff(text: string): readonly string[] {
  return text.split('\n').map(line => `  | ${plain(line)}`)
}

function rowsOf(count: number): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? 'row' : 'rows'}`
}
