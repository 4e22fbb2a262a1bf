import { describe, expect, it } from 'vitest'
import type { StatementRequest } from '#model'
import { likenessOf } from './precedents.ts'

const asked: StatementRequest = {
  id: 'req-1',
  kind: 'statement',
  state: 'pending',
  digest: 'd1',
  resource: 'shop',
  protocol: 'x',
  session: 'ses-1',
  principal: 'order-bot',
  principalKind: 'agent',
  excluded: [],
  statement: 'delete from t where id = 1',
  parameters: [],
  objects: ['public.t'],
  verbs: ['DELETE'],
  flags: [],
  message: '',
  policies: [],
  approvers: [],
  quorum: 1,
  votes: [],
  createdAt: 0,
  expiresAt: 1,
}

describe('a decided request', () => {
  it('is the same, of the same words, alike, or nothing to this one', () => {
    const other = { ...asked, id: 'req-0', digest: 'd0' }
    expect(likenessOf(asked, { ...other, digest: 'd1' })).toBe('same')
    expect(likenessOf(asked, { ...other, principal: 'somebody' })).toBe('text')
    expect(likenessOf(asked, { ...other, statement: 'delete from t where id = 2' })).toBe('alike')
    expect(likenessOf(asked, { ...other, statement: 'x', objects: ['public.t', 'public.u'] })).toBe(
      undefined,
    )
    expect(likenessOf(asked, { ...other, statement: 'x', verbs: ['UPDATE'] })).toBe(undefined)
  })
})
