// One request for a person's eyes: who asks what, why it is held, and what it would do. Everything that came from
// outside is escaped, and what several lines hold is set off, so that it cannot pass for ours.
import type { AccessRequestView } from '#contract'
import { colors } from './colors.ts'
import { plain } from './report.ts'

export function requestText(request: AccessRequestView): string {
  const lines = [
    `${plain(request.id)} is ${colors.bold(request.state)}`,
    `  ${plain(request.principal)}${request.actor === undefined ? '' : ` through ${plain(request.actor)}`} on ${plain(request.resource)}: ${plain(request.statement)}`,
  ]
  if (request.parameters.length > 0) {
    const values = request.parameters.map((value, at) => `$${at + 1}=${value ?? 'NULL'}`)
    lines.push(`  with ${plain(values.join(' '))}`)
  }
  lines.push(`  held: ${plain(request.message)} (${plain(request.policies.join(', '))})`)
  if (request.flags.length > 0) lines.push(`  it is ${plain(request.flags.join(', '))}`)
  // An agent's own words can be made to persuade: they are never ours.
  if (request.reason !== undefined)
    lines.push(`  who asks says (unverified): ${colors.dim(plain(request.reason))}`)
  if (request.preview !== undefined) lines.push(...previewLines(request.preview))
  if (request.state === 'pending') {
    lines.push(`  ${request.votes.length} of ${request.quorum} have said yes`)
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
  return lines.join('\n')
}

function previewLines({
  tables,
  estimate,
  plan,
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
  if (unavailable !== undefined) lines.push(`  no plan: ${plain(unavailable)}`)
  if (plan !== undefined)
    lines.push('  plan:', ...plan.split('\n').map(line => colors.dim(`  | ${plain(line)}`)))
  return lines
}

function rowsOf(count: number): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? 'row' : 'rows'}`
}
