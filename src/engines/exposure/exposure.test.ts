import { describe, expect, test } from 'vitest'
import {
  type ColumnName,
  type DataClass,
  type Lineage,
  type Principal,
  type ProbeUse,
  probeUses,
  type Transfer,
} from '#model'
import {
  judgeProbe,
  judgeProbes,
  judgeTransfer,
  judgeTransfers,
  judgeUses,
  outputExposure,
  predicateRuleFor,
  untoldOf,
} from './index.ts'

const email: DataClass = { name: 'email', columns: ['*.email'], mask: 'partial' }
const ssn: DataClass = { name: 'ssn', columns: ['*.ssn'], mask: 'redact' }
const hides = ({ column }: ColumnName) => [email, ssn].find(({ name }) => name === column)
const at = (column: string, object = 'public.customers'): ColumnName => ({ object, column })
const anything = () => ({ columns: [at('ssn')], classes: [ssn] })
const nothing = () => undefined

describe('an output', () => {
  test('shows nothing hidden when none of its sources is', () => {
    expect(outputExposure({ sources: [], how: 'aggregate' }, hides).kind).toBe('none')
    expect(outputExposure({ sources: [at('name')], how: 'transformed' }, hides).kind).toBe('none')
  })

  test('shows values of a class as they are, or something made of them', () => {
    const shown = (sources: ColumnName[], how: 'identity' | 'transformed') =>
      outputExposure({ sources, how }, hides)
    expect(shown([at('email'), at('name')], 'identity')).toMatchObject({ own: true })
    expect(shown([at('email')], 'transformed')).toMatchObject({ own: false })
    expect(shown([at('email'), at('ssn')], 'identity')).toMatchObject({
      own: false,
      classes: [email, ssn],
    })
  })

  test('may show anything when it cannot be told', () => {
    expect(outputExposure({ sources: [], how: 'unknown' }, hides).kind).toBe('untold')
  })
})

describe('asking about hidden columns', () => {
  const uses: readonly ProbeUse[] = probeUses.filter(use => use !== 'equality')

  test('is refused under deny, whatever for', () => {
    for (const use of [...uses, 'equality'] as const)
      expect(judgeProbe({ use, columns: [at('id'), at('ssn')] }, 'deny', hides).outcome).toBe(
        'refused',
      )
  })

  test('passes under equality only as a comparison with a value, and is counted', () => {
    const outcome = (use: ProbeUse) =>
      judgeProbe({ use, columns: [at('ssn')] }, 'equality', hides).outcome
    expect(outcome('equality')).toBe('counted')
    expect(uses.map(outcome)).toEqual(uses.map(() => 'refused'))
  })

  test('by rows that are left out where it is there already is told in words of a write', () => {
    const statement = {
      operations: [],
      mayDeriveFrom: [],
      lineage: [
        { outputs: [], transfers: [], probes: [{ use: 'conflict', columns: [at('ssn')] }] },
      ],
    } as const
    const view = { hides, hiddenAnywhere: () => [] }
    for (const rule of ['equality', 'deny'] as const)
      expect(judgeUses(statement, rule, view).refusal?.error).toMatchObject({
        code: 'masked_predicate',
        message:
          'public.customers.ssn is masked for you as ssn: it may not decide which rows are left out or replaced because their value is there already',
        hint: 'Name the columns that you write and leave it out, write with a plain INSERT or UPDATE, which fails on such a row, or ask for the right to reveal ssn.',
      })
    expect(judgeUses(statement, 'allow', view).refusal).toBeUndefined()
  })

  test('by a change that is made only where it is a value is told in words of a patch', () => {
    const uses = (probes: Lineage['probes']) => ({
      operations: [],
      mayDeriveFrom: 'all' as const,
      lineage: [{ outputs: [], transfers: [], probes, asking: 'test' as const }],
    })
    const known = uses([{ use: 'test', columns: [at('ssn')] }])
    const view = { hides, hiddenAnywhere: () => [ssn] }
    for (const rule of ['equality', 'deny'] as const)
      for (const [statement, what] of [
        [known, 'public.customers.ssn is masked for you as ssn'],
        [uses('unknown'), 'this may touch what is masked for you as ssn'],
      ] as const)
        expect(judgeUses(statement, rule, view).refusal?.error).toMatchObject({
          code: 'masked_predicate',
          message: `${what}: a change may not be made to depend on whether it is a value that you name`,
          hint: expect.stringMatching(/^Leave the tests out: .* the right to reveal ssn\.$/),
        })
  })

  test('is free under allow, and about other columns', () => {
    expect(judgeProbe({ use: 'order', columns: [at('ssn')] }, 'allow', hides).outcome).toBe('free')
    expect(judgeProbe({ use: 'order', columns: [at('id')] }, 'deny', hides).outcome).toBe('free')
  })

  test('is refused when it cannot be told and anything hidden may be touched', () => {
    const outcome = (
      rule: 'deny' | 'equality' | 'allow',
      untold: typeof anything | typeof nothing,
    ) => judgeProbes({ probes: 'unknown' }, rule, hides, untold).map(ruling => ruling.outcome)
    expect(outcome('deny', anything)).toEqual(['refused'])
    expect(outcome('equality', anything)).toEqual(['refused'])
    expect(outcome('equality', nothing)).toEqual(['free'])
    expect(outcome('allow', anything)).toEqual(['free'])
  })

  test('follows the stricter rule of all who take part', () => {
    const rules = { user: 'equality', agent: 'deny' } as const
    const rule = (kind: Principal['kind'], actors: readonly Principal['kind'][]) =>
      predicateRuleFor(
        { kind, actors: actors.map(each => ({ kind: each })) as unknown as Principal['actors'] },
        rules,
      )
    expect(rule('user', [])).toBe('equality')
    expect(rule('user', ['agent'])).toBe('deny')
    expect(rule('agent', ['user'])).toBe('deny')
  })
})

describe('hidden values that go elsewhere', () => {
  const outcome = (
    transfer: Partial<Transfer>,
    untold: typeof anything | typeof nothing = nothing,
  ) =>
    judgeTransfer({ sources: [], how: 'identity', by: 'INSERT', ...transfer }, hides, untold)
      .outcome

  test('are refused where they could be read', () => {
    expect(outcome({ sources: [at('ssn')] })).toBe('refused')
    expect(outcome({ sources: [at('ssn')], to: at('note') })).toBe('refused')
    expect(outcome({ sources: [at('ssn')], to: at('email') })).toBe('refused')
    expect(outcome({ sources: [at('ssn'), at('email')], to: at('ssn') })).toBe('refused')
    expect(outcome({ sources: [at('name')], to: at('note') })).toBe('free')
  })

  test('may go into a column of their class, as they are', () => {
    expect(outcome({ sources: [at('email')], to: at('email', 'public.staff') })).toBe('free')
  })

  test('made into something else only where the mask of the class shows nothing of it', () => {
    const how = 'transformed'
    expect(outcome({ sources: [at('email')], to: at('email'), how })).toBe('refused')
    expect(outcome({ sources: [at('ssn')], to: at('ssn'), how })).toBe('free')
  })

  test('are refused when it cannot be told what goes', () => {
    expect(outcome({ how: 'unknown', to: at('ssn') }, anything)).toBe('refused')
    expect(outcome({ how: 'unknown' }, nothing)).toBe('free')
    const unknown = { transfers: 'unknown' } as const
    expect(judgeTransfers(unknown, true, hides, anything)[0]?.outcome).toBe('refused')
    expect(judgeTransfers(unknown, false, hides, anything)).toEqual([])
    expect(judgeTransfers(unknown, true, hides, nothing)).toEqual([])
  })
})

test('what cannot be told stands for all that the statement may touch', () => {
  const view = { hides, hiddenAnywhere: () => [ssn] }
  expect(untoldOf({ mayDeriveFrom: [at('id')] }, view)).toBeUndefined()
  expect(untoldOf({ mayDeriveFrom: [at('email')] }, view)?.classes).toEqual([email])
  expect(untoldOf({ mayDeriveFrom: 'all' }, view)?.classes).toEqual([ssn])
  expect(untoldOf({ mayDeriveFrom: 'all' }, { hides, hiddenAnywhere: () => [] })).toBeUndefined()
})
