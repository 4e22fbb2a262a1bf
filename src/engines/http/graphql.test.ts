import { describe, expect, it } from 'vitest'
import { graphqlLimits, readGraphql } from './graphql.ts'

const read = (query: string, operationName?: string) => readGraphql({ query, operationName })
const names = (query: string, operationName?: string) =>
  read(query, operationName).fields.map(({ name }) => name)

describe('a GraphQL request', () => {
  it('is its type and the fields at its root, by their own names', () => {
    expect(names('{ me: customer(id: 1) { name email } other: customer(id: 2) { id } }')).toEqual([
      'customer',
    ])
    expect(read('{ customer { name card { number } } }').fields).toEqual([
      { name: 'customer', below: ['name', 'card', 'number'] },
    ])
    expect(read('mutation M { refund(id: 1) { ok } }')).toMatchObject({
      type: 'mutation',
      name: 'M',
    })
    expect(read('subscription { prices }').type).toBe('subscription')
  })

  it('is seen through fragments and directives', () => {
    const query = `query Q { ...A ... on Query @include(if: false) { users { id } } }
      fragment A on Query { __schema { types { name } } ...B } fragment B on Query { orders { id } }`
    expect(names(query)).toEqual(['__schema', 'orders', 'users'])
  })

  it('is the one that its name says', () => {
    const two = 'query A { a } mutation B { b }'
    expect(read(two, 'B').type).toBe('mutation')
    expect(() => read(two)).toThrow('which one')
    expect(() => read(two, 'C')).toThrow('which one')
    expect(() => read('query A { a } mutation A { b }', 'A')).toThrow('which one')
  })

  it('is refused when it cannot be told what it asks', () => {
    const hash = {
      persistedQuery: {
        version: 1,
        sha256Hash: 'ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38',
      },
    }
    expect(() => readGraphql({ extensions: hash })).toThrow('persisted')
    expect(() => readGraphql({ query: 7 })).toThrow('no query')
    expect(() => read('{ a')).toThrow('cannot be read')
    expect(() => read('type A { b: C }')).toThrow('only operations')
    expect(() => read('{ ...A }')).toThrow('not there')
    expect(() => read('{ ...A } fragment A on Q { ...B } fragment B on Q { ...A }')).toThrow(
      'circle',
    )
    expect(() => read('{ ...A } fragment A on Q { a } fragment A on Q { b }')).toThrow('twice')
  })

  it('is bounded in depth, aliases, length, and in what its fragments multiply to', () => {
    const { depth, aliases } = graphqlLimits
    expect(() => read('{a'.repeat(depth + 1) + '}'.repeat(depth + 1))).toThrow('deeper')
    expect(() => read('{a'.repeat(depth) + '}'.repeat(depth))).not.toThrow()
    expect(() =>
      read(`{ ${Array.from({ length: aliases + 1 }, (_, n) => `x${n}: a`).join(' ')} }`),
    ).toThrow('aliases')
    expect(() => read(`{ ${'a '.repeat(20_000)} }`)).toThrow('too long')
    const doubling = Array.from(
      { length: 30 },
      (_, n) => `fragment F${n} on Q { ...F${n + 1} ...F${n + 1} }`,
    ).join(' ')
    expect(() => read(`{ ...F0 } ${doubling} fragment F30 on Q { a }`)).toThrow('more than')
    expect(() => read(`${'{a'.repeat(100_000)}`)).toThrow()
  })
})
