import { describe, expect, it } from 'vitest'
import { AnswerSample } from './answer-sample.ts'

function row(...values: (string | null)[]): Buffer {
  const cells = values.map(value => {
    const text = Buffer.from(value ?? '')
    const length = Buffer.alloc(4)
    length.writeInt32BE(value === null ? -1 : text.length)
    return Buffer.concat([length, text])
  })
  const head = Buffer.alloc(7)
  head.write('D')
  const body = Buffer.concat(cells)
  head.writeInt32BE(body.length + 6, 1)
  head.writeInt16BE(values.length, 5)
  return Buffer.concat([head, body])
}

const sample = (limit = 10_000) => new AnswerSample(limit, ['a', 'b'], [false, false])

describe('what is kept of an answer', () => {
  const one = row('1', 'ana')
  const two = row('2', null)
  const three = row('', 'x'.repeat(2_000))

  it('are the rows of one chunk, wherever in it they begin', () => {
    const chunk = Buffer.concat([Buffer.from('T....'), one, two, Buffer.from('C....')])
    const kept = sample()
    kept.add(chunk, 5, 5 + one.length, true)
    kept.add(chunk, 5 + one.length, 5 + one.length + two.length, true)
    expect(kept.rows).toEqual([
      ['1', 'ana'],
      ['2', null],
    ])
  })

  it('are rows of several chunks, with some that were rewritten, and long ones', () => {
    const kept = sample()
    const slab = Buffer.concat([two])
    kept.add(one, 0, one.length, true)
    kept.add(slab, 0, two.length, false)
    slab.fill(0)
    kept.add(three, 0, three.length, true)
    kept.add(one, 0, one.length, true)
    expect(kept.rows).toEqual([
      ['1', 'ana'],
      ['2', null],
      ['', 'x'.repeat(2_000)],
      ['1', 'ana'],
    ])
    expect(one).toEqual(row('1', 'ana'))
  })

  it('are rows with others between them that are not kept', () => {
    const chunk = Buffer.concat([one, two, one])
    const kept = sample()
    kept.add(chunk, 0, one.length, true)
    kept.add(chunk, one.length + two.length, chunk.length, true)
    expect(kept.rows).toEqual([
      ['1', 'ana'],
      ['1', 'ana'],
    ])
    expect(chunk.equals(Buffer.concat([one, two, one]))).toBe(true)
  })

  it('does not follow what is written over bytes that do not last', () => {
    const slab = Buffer.from(one)
    const kept = sample()
    kept.add(slab, 0, slab.length, false)
    slab.fill(0x7a)
    expect(kept.rows).toEqual([['1', 'ana']])
  })

  it('ends at the limit, and says so', () => {
    const kept = sample(one.length + two.length)
    const chunk = Buffer.concat([one, two, one])
    const ends = [one.length, one.length + two.length, chunk.length]
    expect(ends.map((end, at) => kept.add(chunk, ends[at - 1] ?? 0, end, true))).toEqual([
      true,
      true,
      false,
    ])
    expect([kept.rows.length, kept.truncated]).toEqual([2, true])
  })
})
