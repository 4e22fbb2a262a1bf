import { describe, expect, it } from 'vitest'
import { ByteReader } from '#engines/wire'
import { endingError } from '#gateway'
import { AccessDenied, reasonCodes, Unavailable } from '#model'
import { denial, sqlStates } from './denial.ts'
import { fieldsOf } from './upstream-refusal.ts'

const read = (bytes: Uint8Array) => Object.fromEntries(fieldsOf(new ByteReader(bytes, 5)))

describe('denial', () => {
  it('carries the words of the policy, its ids, the hint and the reason code', () => {
    const error = new AccessDenied('approval_pending', 'agents change data only with a person', {
      detail: 'policies: agents-write-with-a-person',
      hint: 'retry the identical statement',
      requestId: 'req-1',
      retryBefore: Date.UTC(2026, 0, 2),
    })
    expect(read(denial(error))).toEqual({
      S: 'ERROR',
      V: 'ERROR',
      C: '42501',
      M: 'agents change data only with a person',
      D: 'policies: agents-write-with-a-person\nrequest: req-1\nretry before: 2026-01-02T00:00:00.000Z\nreason: approval_pending',
      H: 'retry the identical statement',
      R: 'approval_pending',
    })
  })

  it('says nothing of a bug but that it is one', () => {
    const fields = read(denial(new TypeError('secret: hunter2'), 'FATAL'))
    expect(fields).toMatchObject({ S: 'FATAL', C: 'XX000', R: 'internal' })
    expect(JSON.stringify(fields)).not.toContain('hunter2')
  })

  it('has a SQLSTATE for each reason code', () => {
    for (const code of reasonCodes) expect(sqlStates[code]).toMatch(/^[0-9A-Z]{5}$/)
  })

  it('stays one message when a text holds a zero byte', () => {
    expect(read(denial(new Unavailable('unavailable', 'a\0b')))['M']).toBe('a\u{fffd}b')
  })

  it('names the cause of an ended session', () => {
    expect(read(denial(endingError('identity_ended'), 'FATAL'))).toMatchObject({
      C: '57P01',
      R: 'identity_ended',
    })
  })
})
