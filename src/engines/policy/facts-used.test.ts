import { expect, it } from 'vitest'
import { toJsonForm } from './cedar.ts'
import { APPROVED, COLUMN, factsUsed, MFA, PASSING, REASON, TEXT } from './facts-used.ts'

function used(condition: string): number {
  const answer = toJsonForm(`permit (principal, action, resource) when { ${condition} };`)
  if ('complaints' in answer) throw new Error(answer.complaints[0]?.message)
  return factsUsed(answer.form['conditions'] ?? null)
}

it('finds the facts that a condition reads, however they are written', () => {
  expect(used('context.mfa')).toBe(MFA)
  expect(used('context["approved"] || context has reason')).toBe(APPROVED | REASON)
  expect(used('if context.verb == "x" then [context.text].isEmpty() else !context.mfa')).toBe(
    TEXT | MFA,
  )
  expect(used('context has column.x && context.object == "y"')).toBe(COLUMN)
  expect(used('context.hour > 8 && context.run.rows < 5')).toBe(PASSING)
  expect(used('context.verb == "context" && principal has mfa')).toBe(0)
})

it('counts every fact where the context is used as a whole', () => {
  const all = APPROVED | REASON | MFA | COLUMN | TEXT | PASSING
  expect(used('context == {}')).toBe(all)
  expect(used('[context].isEmpty()')).toBe(all)
  expect(used('(if true then context else context).mfa')).toBe(all)
})
