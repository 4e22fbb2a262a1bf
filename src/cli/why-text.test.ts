import { expect, it } from 'vitest'
import type { WhyView } from '#contract'
import { whyText } from './why-text.ts'

const answer: WhyView = {
  effect: 'deny',
  code: 'masked_predicate',
  message: 'public.customers.ssn is masked for you as ssn: it may not order rows',
  hint: "Compare it with values of your own (ssn = '…'), leave it out, or ask for the right to reveal ssn.",
  obligations: [],
  policies: ['read-shop'],
  operations: [
    {
      action: 'read',
      verb: 'SELECT',
      object: 'public.customers',
      category: 'read',
      effect: 'permit',
      policies: ['read-shop'],
      near: [],
    },
  ],
  names: 'catalog',
  predicates: 'equality',
  classes: [
    {
      dataClass: 'ssn',
      revealed: false,
      policies: [],
      near: [{ policy: 'fraud-sees-ssn', condition: 'it is not for this principal' }],
    },
    { dataClass: 'email', revealed: true, policies: ['all-see-email'], near: [] },
  ],
  statements: [
    {
      outputs: [
        { sources: ['public.customers.name'], how: 'identity', shown: 'clear', classes: [] },
        { sources: [], how: 'aggregate', shown: 'clear', classes: [] },
        {
          sources: ['public.customers.ssn', 'public.customers.name'],
          how: 'transformed',
          shown: 'redacted',
          classes: ['ssn'],
        },
      ],
      untold: ['ssn'],
      probes: [
        { use: 'equality', columns: ['public.customers.id'], classes: [], outcome: 'free' },
        { use: 'order', columns: ['public.customers.ssn'], classes: ['ssn'], outcome: 'refused' },
      ],
      transfers: [
        {
          by: 'pg_notify',
          sources: ['public.customers.name'],
          how: 'identity',
          classes: [],
          outcome: 'free',
        },
      ],
    },
  ],
}

it('says for each value where it comes from and what becomes of it, within 80 columns', () => {
  const text = whyText(answer)
  expect(text.split('\n')).toEqual([
    'deny  [masked_predicate]',
    '  public.customers.ssn is masked for you as ssn: it may not order rows',
    "  Compare it with values of your own (ssn = '…'), leave it out, or ask for the",
    '  right to reveal ssn.',
    '  read SELECT (read) on public.customers: permit  read-shop',
    '  class ssn: masked',
    '      not fraud-sees-ssn: it is not for this principal',
    '  class email: shown  all-see-email',
    '  columns',
    '    1  public.customers.name: shown',
    '    2  no column (aggregate): shown',
    '    3  public.customers.ssn and 1 more (transformed): redacted as ssn',
    '  compares public.customers.id: allowed',
    '  orders by public.customers.ssn: refused (ssn is masked)',
    '  pg_notify of public.customers.name: allowed',
  ])
})

it('says what could not be told, and that no catalog was asked', () => {
  const unknown = { outputs: 'unknown', untold: ['ssn'], probes: [], transfers: [] } as const
  const text = whyText({ ...answer, names: 'text', statements: [unknown, unknown] })
  expect(text).toContain('statement 2: columns: cannot be told from the text; masked as ssn')
  expect(text).toContain('no catalog was asked')
  expect(Math.max(...text.split('\n').map(line => line.length))).toBeLessThan(110)
})

it('says what a permit is bound to in words, and what it does not know as it came', () => {
  const policies = ['p1']
  const needs = [
    { groups: ['dba'], count: 1 },
    { groups: ['security', 'audit'], count: 2 },
  ]
  const text = whyText({
    ...answer,
    effect: 'permit',
    code: 'approval_required',
    message: 'agents change data only with a person',
    hint: '',
    obligations: [
      {
        kind: 'approve',
        quorum: 3,
        approvers: [],
        needs,
        withinMs: 900_000,
        message: '',
        policies,
      },
      { kind: 'approve', quorum: 1, approvers: [], withinMs: 90_000, message: '', policies: [] },
      { kind: 'limit', rows: 100, policies },
      { kind: 'step-up', policies },
      { kind: 'later', what: 1 },
    ],
  })
  expect(text.split('\n').slice(0, 9)).toEqual([
    'held  [approval_required]',
    '  agents change data only with a person',
    '  waits for a yes: 1 of dba and 2 of security or audit, within 15 minutes  (p1)',
    '  waits for a yes: 1 of whoever may approve, within 1.5 minutes',
    '  gives at most 100 rows  (p1)',
    '  needs a fresh second factor  (p1)',
    '  needs later {"what":1}',
    '  read SELECT (read) on public.customers: permit  read-shop',
    '  class ssn: masked',
  ])
})
