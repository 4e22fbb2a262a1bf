import { describe, expect, test } from 'vitest'
import { createMarks, createMasking } from '#engines/masking'
import type { Facts, SessionPolicies } from '#engines/policy'
import type { ColumnName, DataClass, Statement } from '#model'
import type { ResultColumn } from '../protocol/index.ts'
import { type Disagreement, planCells } from './masks.ts'
import { type Masks, Sight } from './sight.ts'

const classes: readonly DataClass[] = [
  { name: 'email', columns: ['*.email'], detect: 'email', mask: 'partial' },
  { name: 'ssn', columns: ['*.ssn'], mask: 'null' },
]
const tokenKey = new Uint8Array(32)
const masks: Masks = {
  classes,
  masking: createMasking({ classes, tokenKey }),
  marks: createMarks(classes),
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
  revealsSteadily: () => true,
  mayApprove: () => false,
  mayBreakGlass: () => false,
})

const at = (object: string, column: string): ColumnName => ({ object, column })

function planned(
  column: Partial<ResultColumn>,
  revealed: readonly string[] = [],
  mayDeriveFrom: Statement['mayDeriveFrom'] = [],
  note?: (disagreement: Disagreement) => void,
): string {
  const whole: ResultColumn = {
    name: 'x',
    origin: at('public.v', 'x'),
    textual: true,
    format: 'text',
    harmless: false,
    ...column,
  }
  const [plan] = planCells(
    new Sight(masks, policies(revealed)).at(facts),
    { ...statement, mayDeriveFrom },
    [whole],
    note,
  )
  if (plan?.kind !== 'mask')
    return `${plan?.kind}${plan?.kind === 'null' ? ` ${plan.dataClass}` : ''}`
  const value = Buffer.from('alice@example.com')
  const out = Buffer.alloc(200)
  return out.toString('utf8', 0, plan.write(value, 0, value.length, out, 0))
}

describe('the columns of an answer that comes again', () => {
  const plans = (view: ReturnType<Sight['at']>, columns: readonly ResultColumn[]) =>
    planCells(view, statement, columns).map(({ kind }) => kind)
  const column = (origin: ColumnName): ResultColumn => ({
    name: 'x',
    origin,
    textual: false,
    format: 'text',
    harmless: false,
  })
  const columns = [column(at('t', 'a')), column(at('t', 'b')), column(at('t', 'ssn'))]

  test('pass again where nothing is hidden, and are masked again where something is', () => {
    for (let times = 0; times < 3; times++) {
      const reveals = new Sight(masks, policies(['t'])).at(facts)
      expect(plans(reveals, columns)).toEqual(['pass', 'pass', 'pass'])
      expect(plans(reveals, columns)).toEqual(['pass', 'pass', 'pass'])
      const hides = new Sight(masks, policies([])).at(facts)
      expect(plans(hides, columns)).toEqual(['pass', 'pass', 'null'])
      expect(plans(hides, columns)).toEqual(['pass', 'pass', 'null'])
    }
  })
})

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

describe('a column that the text tells the lineage of', () => {
  const email = at('public.customers', 'email')
  const ssn = at('public.customers', 'ssn')
  const name = at('public.customers', 'name')
  const untold = { origin: 'unknown' } as const

  test('is shown when nothing hidden flows into it, whatever else the statement touches', () => {
    const lineage = { sources: [name], how: 'transformed' } as const
    expect(planned({ ...untold, lineage }, [], [email])).toBe('scan')
    expect(planned({ ...untold, lineage, textual: false }, [], 'all')).toBe('pass')
    expect(planned(untold, [], [email])).toBe('⟦m:email⟧')
    expect(planned({ ...untold, lineage: { sources: [email], how: 'unknown' } }, [], [ssn])).toBe(
      '⟦m:ssn⟧',
    )
  })

  test('keeps the method of its class when it shows values of it as they are', () => {
    const union = { sources: [email, at('public.staff', 'email')], how: 'identity' } as const
    expect(planned({ ...untold, lineage: union })).toContain('@example.com')
    const mixed = { sources: [email, ssn], how: 'identity' } as const
    expect(planned({ ...untold, lineage: mixed })).toMatch(/^⟦m:(email|ssn)⟧$/)
  })

  test.each(['transformed', 'aggregate'] as const)('is redacted when it is %s', how => {
    expect(planned({ ...untold, lineage: { sources: [email], how } })).toBe('⟦m:email⟧')
    expect(planned({ ...untold, textual: false, lineage: { sources: [email], how } })).toBe(
      'null email',
    )
  })

  test('is masked when either the server or the text says so, and their disagreement is noted', () => {
    const notes: Disagreement[] = []
    const said = (column: Partial<ResultColumn>) =>
      planned(column, [], [], each => void notes.push(each))
    const clear = { sources: [name], how: 'identity' } as const
    expect(said({ origin: email, lineage: clear })).toContain('@example.com')
    expect(said({ origin: name, lineage: { sources: [email], how: 'transformed' } })).toBe(
      '⟦m:email⟧',
    )
    expect(notes).toEqual([
      { column: 0, classes: ['email'] },
      { column: 0, classes: ['email'] },
    ])
    expect(said({ origin: email, lineage: { sources: [email], how: 'identity' } })).toContain('@')
    expect(said({ origin: name, lineage: { sources: [ssn], how: 'unknown' } })).toBe('scan')
    expect(notes).toHaveLength(2)
  })
})
