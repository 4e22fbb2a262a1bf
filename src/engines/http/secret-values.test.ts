import { describe, expect, it } from 'vitest'
import type { Look } from '#model'
import { keptFirstLine } from './kept-request.ts'
import { readRequestText } from './request-text.ts'
import { isSecretParameter, withoutSecretsOfAddress, withoutSecretValues } from './secret-values.ts'
import { httpStatement } from './statement.ts'

const reading = { routes: undefined, unknown: 'refuse' } as const
const HASH = /\[SHA-256:[\da-f]{64}\]/g

describe('secrets in addresses', () => {
  it('are known by their names, however these are spelled', () => {
    for (const name of [
      'access_token',
      'accessToken',
      'id-token',
      'api_key',
      'apiKey',
      'APIKEY',
      'key',
      'sig',
      'X-Amz-Signature',
      'X-Amz-Credential',
      'password',
      'user[password]',
      'client_secret',
      'code',
      'SAMLResponse',
    ])
      expect(isSecretParameter(name), name).toBe(true)
    for (const name of ['page', 'country_code', 'expand', 'keys', 'author', 'state', 'signed_by'])
      expect(isSecretParameter(name), name).toBe(false)
    expect(isSecretParameter('Licence', new Set(['licence']))).toBe(true)
  })

  it('are on record as hashes that tell two values apart, and are judged as they came', () => {
    const of = (line: string) => httpStatement(readRequestText(line), reading)
    const one = of('GET /a?page=2&access_token=hunter2&%6bey=k1')
    expect(one.text).not.toMatch(/hunter2|k1/)
    expect(one.text.replace(HASH, '*')).toBe('GET /a?page=2&access_token=*&%6bey=*')
    expect(one.named?.texts.get('?access_token')).toEqual(['hunter2'])
    expect(of('GET /a?page=2&access_token=hunter3&%6bey=k1').text).not.toBe(one.text)
    // Nobody passes a hash off as the value that has it.
    const hash = /access_token=([^&]+)/.exec(one.text)![1]
    expect(of(`GET /a?page=2&access_token=${hash}&%6bey=k1`).text).not.toBe(one.text)
  })

  it('are no user information either', () => {
    for (const to of ['https://u:hunter2@h/x', 'https%3A%2F%2Fu%3Ahunter2%40h%2Fx', '//hunter2@h'])
      expect(withoutSecretValues(`next=${to}`), to).not.toContain('hunter2')
    expect(withoutSecretValues('mail=a@b.example')).toBe('mail=a@b.example')
    expect(
      withoutSecretsOfAddress('https://u:p@h/x?a=1&token=t1#access_token=t2, </y?sig=s>; rel=next'),
    ).toBe(
      'https://[secret]@h/x?a=1&token=[secret]#access_token=[secret], </y?sig=[secret]>; rel=next',
    )
  })
})

describe('what records may not show', () => {
  const look: Look = {
    text: text => text.replaceAll(/4111 ?1111/g, '****'),
    hidesName: name => name === 'nick',
  }

  it('is out of paths, queries and objects, escaped or not', () => {
    expect(keptFirstLine('GET /cards/41111111/x?a=1', look)).toBe('GET /cards/****/x?a=1')
    expect(keptFirstLine('GET /cards/4111%201111?q=4111+1111&nick=ann', look)).toBe(
      'GET /cards/****?q=****&nick=****',
    )
    const { kept } = httpStatement(readRequestText('GET /cards/41111111\nx-a: 1'), reading)
    expect(kept?.(look)).toMatchObject({
      text: 'GET /cards/****\nx-a: 1',
      operations: [{ object: { name: 'cards/****' } }],
    })
  })

  it('and what holds nothing of it is kept as the very same statement', () => {
    const statement = httpStatement(readRequestText('GET /cards/7?a=%20'), reading)
    const kept = statement.kept?.(look)
    expect(kept?.operations).toBe(statement.operations)
    expect(kept?.text).toBe(statement.text)
  })
})
