import { describe, expect, test } from 'vitest'
import { createMasking } from '#engines/masking'
import type { Facts, SessionPolicies } from '#engines/policy'
import type { ColumnName, DataClass, Statement } from '#model'
import { type Masks, planCells } from './masks.ts'
import type { ResultColumn } from './permit.ts'

const classes: readonly DataClass[] = [
  { name: 'email', columns: ['*.email'], detect: 'email', mask: 'partial' },
  { name: 'ssn', columns: ['*.ssn'], mask: 'null' },
]
const tokenKey = new Uint8Array(32)
const masks: Masks = {
  classes,
  masking: createMasking({ classes, tokenKey }),
  redaction: createMasking({
    classes: classes.map(each => ({ ...each, mask: 'redact' })),
    tokenKey,
  }),
}
const facts: Facts = {
  client: '',
  ip: '127.0.0.1',
  now: 0,
  approved: false,
  reason: undefined,
  mfa: false,
  run: { rows: 0, bytes: 0, statements: 0 },
}
const statement: Statement = {
  text: '',
  operations: [],
  functions: [],
  phase: 'execute',
  mayDeriveFrom: [],
}

const policies = (revealed: readonly string[]): SessionPolicies => ({
  decide: () => {
    throw new Error('not asked')
  },
  reveals: (_, column) => column !== 'unknown' && revealed.includes(column.object),
  mayApprove: () => false,
})

const at = (object: string, column: string): ColumnName => ({ object, column })

function planned(column: Partial<ResultColumn>, revealed: readonly string[] = []): string {
  const whole: ResultColumn = {
    name: 'x',
    origin: at('public.v', 'x'),
    textual: true,
    format: 'text',
    harmless: false,
    ...column,
  }
  const [plan] = planCells(masks, policies(revealed), facts, statement, [whole])
  if (plan?.kind !== 'mask')
    return `${plan?.kind}${plan?.kind === 'null' ? ` ${plan.dataClass}` : ''}`
  const value = Buffer.from('alice@example.com')
  const out = Buffer.alloc(200)
  return out.toString('utf8', 0, plan.write(value, 0, value.length, out, 0))
}

describe('a column with several sources', () => {
  const email = at('public.customers', 'email')
  const ssn = at('public.customers', 'ssn')

  test('is masked when one of them is, by the method of its class when it shows that very value', () => {
    expect(planned({ sources: [at('public.v', 'x'), email] })).toContain('@example.com')
    expect(planned({ sources: [at('public.v', 'x'), ssn] })).toBe('null ssn')
  })

  test('is redacted when it is made of them, or mixes classes', () => {
    expect(planned({ sources: [at('public.v', 'x'), email], computed: true })).toBe('⟦m:email⟧')
    expect(planned({ sources: [email, ssn] })).toMatch(/^⟦m:(email|ssn)⟧$/)
  })

  test('is shown only when each of them is', () => {
    const sources = [at('a', 'email'), at('b', 'email')]
    expect(planned({ sources }, ['a'])).not.toMatch(/^(pass|scan)$/)
    expect(planned({ sources }, ['a', 'b'])).toBe('scan')
  })
})

test('text inside a larger form is NULL when it is masked, and looked through when it is not', () => {
  const structured = { textual: false, form: 'structured' } as const
  expect(planned({ ...structured, origin: at('public.customers', 'email') })).toBe('null email')
  expect(planned({ ...structured, origin: at('public.notes', 'tags') })).toBe('scan')
  expect(planned({ textual: false, origin: at('public.notes', 'count') })).toBe('pass')
})
