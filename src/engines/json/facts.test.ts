import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { readFacts } from './facts.ts'
import { parsePointer } from './pointer.ts'
import { JsonProblem } from './problem.ts'

const read = (text: string, ...pointers: string[]) => {
  const patterns = pointers.map(each => {
    const pattern = parsePointer(each)
    if (pattern === undefined) throw new Error(`not a pointer: ${each}`)
    return pattern
  })
  return readFacts(Buffer.from(text), patterns)
}
const texts = (text: string, pointer: string) =>
  read(text, pointer).found[0]!.map(({ kind, text }) => `${kind}:${text}`)

function faultOf(text: string | Uint8Array, ...pointers: string[]) {
  try {
    readFacts(
      Buffer.from(text),
      pointers.map(each => parsePointer(each)!),
    )
    return undefined
  } catch (error) {
    // What the test asks for; anything else is a bug and comes up.
    if (error instanceof JsonProblem) return error.fault
    throw error
  }
}

describe('the facts of a JSON text', () => {
  it('are what the pointers lead to', () => {
    const text =
      '{"amount":100.50,"to":{"iban":"DE\\u0038"},"lines":[{"n":1},{"n":"2"}],"a/b":{"~":true},"":null}'
    expect(texts(text, '/amount')).toEqual(['number:100.50'])
    expect(texts(text, '/to/iban')).toEqual(['string:DE8'])
    expect(texts(text, '/lines/*/n')).toEqual(['number:1', 'string:2'])
    expect(texts(text, '/lines/1/n')).toEqual(['string:2'])
    expect(texts(text, '/lines/01/n')).toEqual([])
    expect(texts(text, '/a~1b/~0')).toEqual(['boolean:true'])
    expect(texts(text, '/')).toEqual(['null:'])
    expect(texts(text, '')).toEqual(['object:'])
    expect(texts(text, '/nothing/there')).toEqual([])
    expect(texts('7', '')).toEqual(['number:7'])
  })

  it('count the members of objects and arrays', () => {
    const facts = read('{"ids":[1,[2,3],{"x":4}],"o":{"p":1,"q":2}}', '/ids', '/o')
    expect(facts.found.map(([fact]) => fact?.members)).toEqual([3, 2])
    expect(facts.depth).toBe(3)
  })

  it('are refused where two readers may differ', () => {
    expect(faultOf('{"a":1,"a":2}')).toBe('duplicate')
    expect(faultOf('{"a":1,"\\u0061":2}')).toBe('duplicate')
    expect(faultOf('{"x":[{"b":{"c":1,"c":1}}]}')).toBe('duplicate')
    expect(faultOf('{"Amount":1}', '/amount')).toBe('variant')
    expect(faultOf('{"amount":1,"AMOUNT":2}', '/amount')).toBe('variant')
    expect(faultOf('{"taſk":1}', '/task')).toBe('variant')
    expect(faultOf('{"to\u212aen":1}', '/token')).toBe('variant')
    expect(faultOf('{"To":{"iban":1}}', '/to/iban')).toBe('variant')
    expect(faultOf('{"other":{"Amount":1}}', '/amount')).toBeUndefined()
    expect(faultOf('{"a":"\\u0000"}')).toBe('nul')
    expect(faultOf('{"\\u0000":1}')).toBe('nul')
    expect(faultOf('["\\ud800"]')).toBe('surrogate')
    expect(faultOf('["\\ude00\\ud83d"]')).toBe('surrogate')
    expect(faultOf('\ufeff{}')).toBe('mark')
    expect(faultOf('['.repeat(10_000) + ']'.repeat(10_000))).toBe('depth')
    expect(faultOf('{"a":1}{"a":2}')).toBe('trailing')
    expect(faultOf('')).toBe('truncated')
    expect(faultOf(Buffer.from('{"a":"\xff"}', 'latin1'))).toBe('encoding')
  })

  it('know a pointer from another text', () => {
    expect(parsePointer('a/b')).toBeUndefined()
    expect(parsePointer('/a~2')).toBeUndefined()
    expect(parsePointer('/a/*/~1')).toEqual(['a', undefined, '/'])
  })
})
