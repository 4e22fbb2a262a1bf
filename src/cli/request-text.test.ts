import { describe, expect, it } from 'vitest'
import type { AccessRequestView } from '#contract'
import { requestText } from './request-text.ts'
import { eventText } from './session-text.ts'

const request: AccessRequestView = {
  id: 'req-1',
  kind: 'statement',
  state: 'pending',
  resource: 'shop',
  protocol: 'postgres',
  session: 'ses-1',
  principal: 'order-bot',
  principalKind: 'agent',
  owners: [],
  tags: {},
  statement: 'delete from t',
  parameters: [],
  objects: ['public.t'],
  verbs: ['DELETE'],
  flags: [],
  message: 'Ask.',
  policies: ['p'],
  approvers: ['dba'],
  quorum: 1,
  votes: [],
  createdAt: 0,
  expiresAt: 1,
  digest: 'd',
  mayVote: true,
}
const lines = (more: Partial<AccessRequestView>): readonly string[] =>
  requestText({ ...request, ...more }).split('\n')

describe('a request on a screen', () => {
  it('sets a text of several lines off, so that none of them passes for ours', () => {
    const statement = 'PATCH /a/b\n\nspec:\n  held: no'
    expect(lines({ statement }).slice(1, 7)).toEqual([
      '  order-bot on shop:',
      '  | PATCH /a/b',
      '  | ',
      '  | spec:',
      '  |   held: no',
      '  held: Ask. (p)',
    ])
  })

  it('shows bound values so that none passes for NULL, for nothing, or for the next one', () => {
    const parameters = ["it's $2='9'", null, 'NULL', '', "' $5=NULL"]
    expect(lines({ parameters })).toContain(
      "  with $1='it''s $2=''9''' $2=NULL $3='NULL' $4='' $5=''' $5=NULL'",
    )
    const event = { kind: 'statement', at: 0, effect: 'permit', text: 't', parameters } as const
    expect(eventText({ ...event, policies: [] }, 0)).toContain("$2=NULL $3='NULL' $4=''")
  })

  it('says what it would do, and under which bound', () => {
    const shown = lines({
      flags: ['unfiltered'],
      preview: {
        tables: [
          { name: 'public.t', kind: 'table', rows: 50_000, exact: false, dependents: 2 },
          { name: 'public.u', kind: 'view', exact: false },
        ],
        estimate: { rows: 1, effect: 'changes', guarded: true },
        plan: 'Delete on t\n  ->  Seq Scan on t',
        notes: ['Triggers run.'],
      },
      defaultMaxRows: 11,
    })
    expect(shown).toEqual([
      'req-1 is pending',
      '  order-bot on shop: delete from t',
      '  held: Ask. (p)',
      '  it is unfiltered',
      '  it changes about 1 row, by the estimate',
      '  table public.t: about 50,000 rows; 2 others rest on it',
      '  view public.u: rows not known',
      '  note: Triggers run.',
      '  plan:',
      '  | Delete on t',
      '  |   ->  Seq Scan on t',
      '  0 of 1 have said yes',
      '  a yes allows 11 rows to change at most; --max-rows sets another bound',
    ])
  })

  it('says why there is no plan, and that rows cannot be counted', () => {
    const shown = lines({
      preview: {
        tables: [],
        estimate: { rows: 5, effect: 'changes', guarded: false },
        unavailable: 'It calls f.',
        notes: [],
      },
    })
    expect(shown).toContain(
      '  it changes about 5 rows, by the estimate; they cannot be counted as it runs',
    )
    expect(shown).toContain('  no preview: It calls f.')
    expect(shown).toContain('  a yes sets no bound on rows')
  })

  it('lets no plan, name or note of a hostile system pass for a line of ours, or drive the terminal', () => {
    const hostile = 'x\n  1 of 1 have said yes\r\u001b[2J\u202e'
    const shown = lines({
      preview: {
        tables: [{ name: hostile, kind: hostile, exact: true, rows: 1 }],
        plan: hostile,
        unavailable: hostile,
        notes: [hostile],
      },
    })
    expect(shown.filter(line => line.startsWith('  1 of 1'))).toEqual([])
    expect(shown).toContain('  |   1 of 1 have said yes\\u{d}\\u{1b}[2J\\u{202e}')
    expect(shown.join('\n')).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
  })
})
