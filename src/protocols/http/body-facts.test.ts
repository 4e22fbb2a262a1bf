import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ReadBody } from '#proxy'
import { Fields, type RequestHead } from '#transport/http'
import { bodyFacts } from './body-facts.ts'
import type { HttpSettings } from './settings.ts'

const MULTIPART = 'multipart/form-data; boundary=b'

function factsOf(
  text: string,
  type = 'application/x-www-form-urlencoded',
  query: string | undefined = undefined,
) {
  const head = {
    method: 'POST',
    target: { path: '/refunds', query },
    fields: Fields.of(['content-type', type]),
  } as RequestHead
  const body = { asked: { kind: 'text', text }, bytes: Buffer.from(text) } as unknown as ReadBody
  const settings = {
    body: { fields: ['/amount', '/user_id', '/card[number]'] },
  } as unknown as HttpSettings
  return Object.fromEntries(bodyFacts(head, body, settings).named?.texts ?? [])
}

it('says what a form holds where policies ask', () => {
  expect(factsOf('amount=5&amount=6&card[number]=4&card[expiry]=1&note[]=a&a.b=c')).toEqual({
    '/amount': ['5', '6'],
    '/card[number]': ['4'],
  })
})

it('refuses a form in which some server takes another field for one that counts', () => {
  for (const name of [
    'Amount',
    'amount[]',
    'amount[0]',
    '+amount',
    '%20amount',
    'amount%00x',
    'user.id',
    'user+id',
    'user[id',
    'USER%20ID[]',
    '[amount]',
    '%5D%5Bamount',
    '[amount][]',
    'note=x;amount',
    'note=x;%20Amount',
  ])
    expect(() => factsOf(`amount=5&${name}=1000`), name).toThrow('take a field of the form')
  const part = (head: string) =>
    `--b\r\nContent-Disposition: form-data; name="${head}"\r\n\r\n1000\r\n--b--\r\n`
  expect(factsOf(part('amount'), MULTIPART)).toEqual({ '/amount': ['1000'] })
  expect(() => factsOf(part('amount[]'), MULTIPART)).toThrow('take a field of the form')
  expect(() => factsOf(part('user.id"; filename="f'), MULTIPART)).toThrow('is a file')
})

it('refuses a form whose field stands in the address too: some servers read that one first', () => {
  const form = 'application/x-www-form-urlencoded'
  for (const query of ['amount=1000', 'Amount=1', 'x=1;amount=1000', '[amount]=1', '%61mount=1'])
    expect(() => factsOf('amount=5', form, query), query).toThrow('in the address too')
  const part = '--b\r\nContent-Disposition: form-data; name="amount"\r\n\r\n5\r\n--b--\r\n'
  expect(() => factsOf(part, MULTIPART, 'amount=1000')).toThrow('in the address too')
  expect(factsOf('amount=5', form, 'expand=amount')).toEqual({ '/amount': ['5'] })
  expect(factsOf('{"amount":5}', 'application/json', 'amount=1')).toEqual({ '/amount': ['5'] })
})

describe('a GraphQL request', () => {
  const settings = { graphql: '/graphql', body: { fields: [] } } as unknown as HttpSettings
  const get = (query: string) => {
    const head = {
      method: 'GET',
      target: { path: '/graphql', query },
      fields: Fields.of(),
    } as unknown as RequestHead
    return bodyFacts(head, { asked: { kind: 'none' } } as ReadBody, settings).graphql
  }
  const post = (asked: object, query?: string) => {
    const head = {
      method: 'POST',
      target: { path: '/graphql', query },
      fields: Fields.of(['content-type', 'application/json']),
    } as unknown as RequestHead
    const bytes = Buffer.from(JSON.stringify(asked))
    return bodyFacts(head, { asked: { kind: 'text' }, bytes } as unknown as ReadBody, settings)
  }
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const persisted = (of: unknown) => ({ persistedQuery: { version: 1, sha256Hash: of } })

  it('has its text in one place, under one name', () => {
    expect(get('query=%7Bme%7D&variables=%7B%7D')?.[0]?.fields[0]?.name).toBe('me')
    for (const query of [
      'query=%7Bme%7D&Query=%7Bcards%7D',
      'query=%7Bme%7D&query[]=%7Bcards%7D',
      'query=%7Bme%7D&[query]=%7Bcards%7D',
      'query=%7Bme%7D&%20query=%7Bcards%7D',
      'query=%7Bme%7D&x=1;query=%7Bcards%7D',
      'query=%7Bme%7D&extensions=nothing',
    ])
      expect(() => get(query), query).toThrow('GraphQL')
    for (const query of [
      '[query]=%7Bcards%7D',
      'x=1;Query=%7Bcards%7D',
      '%20query=1',
      'query%00=1',
    ])
      expect(() => post({ query: '{me}' }, query), query).toThrow('in one place')
    expect(post({ query: '{me}' }, 'trace=1').graphql).toHaveLength(1)
  })

  it('names no other text than the one it brings', () => {
    const query = '{me}'
    const extensions = persisted(hash(query))
    expect(post({ query, extensions }).graphql).toHaveLength(1)
    expect(post({ query, doc_id: null }).graphql).toHaveLength(1)
    const inAddress = `query=%7Bme%7D&extensions=${encodeURIComponent(JSON.stringify(extensions))}`
    expect(get(inAddress)).toHaveLength(1)
    for (const more of [
      { id: 'drop-everything' },
      { documentId: '7' },
      { doc_id: '7' },
      { Query_Id: '7' },
      { extensions: persisted(hash('mutation{drop}')) },
      { extensions: { persistedQuery: { version: 1, md5Hash: 'x' } } },
      { extensions: { PersistedQuery: { sha256Hash: 'x' } } },
      { extensions: { persistedQuery: 'x' } },
    ])
      expect(() => post({ query, ...more }), JSON.stringify(more)).toThrow('another text')
    const other = encodeURIComponent(JSON.stringify(persisted(hash('{cards}'))))
    expect(() => get(`query=%7Bme%7D&extensions=${other}`)).toThrow('another text')
    expect(() => get('query=%7Bme%7D&id=7')).toThrow('another text')
  })
})
