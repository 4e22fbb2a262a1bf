import { Buffer } from 'node:buffer'
import { expect, it } from 'vitest'
import type { ReadBody } from '#proxy'
import { Fields, type RequestHead } from '#transport/http'
import { bodyFacts } from './body-facts.ts'
import type { HttpSettings } from './settings.ts'

const MULTIPART = 'multipart/form-data; boundary=b'

function factsOf(text: string, type = 'application/x-www-form-urlencoded') {
  const head = {
    method: 'POST',
    target: { path: '/refunds', query: undefined },
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
  ])
    expect(() => factsOf(`amount=5&${name}=1000`), name).toThrow('take a field of the form')
  const part = (head: string) =>
    `--b\r\nContent-Disposition: form-data; name="${head}"\r\n\r\n1000\r\n--b--\r\n`
  expect(factsOf(part('amount'), MULTIPART)).toEqual({ '/amount': ['1000'] })
  expect(() => factsOf(part('amount[]'), MULTIPART)).toThrow('take a field of the form')
  expect(() => factsOf(part('user.id"; filename="f'), MULTIPART)).toThrow('is a file')
})
