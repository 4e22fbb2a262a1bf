import { describe, expect, it } from 'vitest'
import { Allowance } from './allowance.ts'

function through(limit: { bytes?: number; rows?: number }, pieces: readonly string[]) {
  let exceeded = 0
  const allowance = new Allowance(limit, () => {
    exceeded += 1
  })
  const sent = pieces.map(piece => Buffer.from(allowance.take(Buffer.from(piece))).toString())
  return { sent: sent.join(''), exceeded, code: allowance.refusal?.code }
}

describe('what a policy lets an answer be', () => {
  it('is all of it without a limit, and when it is just as much', () => {
    expect(through({}, ['a\n', 'b\n'])).toEqual({ sent: 'a\nb\n', exceeded: 0, code: undefined })
    expect(through({ bytes: 4, rows: 2 }, ['a\n', 'b\n']).exceeded).toBe(0)
  })

  it('ends at the byte, however it comes, and says so once', () => {
    const over = { sent: 'abc', exceeded: 1, code: 'limit_exceeded' }
    expect(through({ bytes: 3 }, ['ab', 'cd', 'ef'])).toEqual(over)
  })

  it('ends behind the last line that is permitted', () => {
    const over = through({ rows: 2 }, ['a\nb', '\nc\n', 'd'])
    expect(over).toMatchObject({ sent: 'a\nb\n', exceeded: 1 })
    expect(through({ rows: 0 }, ['x']).sent).toBe('')
  })
})
