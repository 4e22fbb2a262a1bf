import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { fc } from '../../test/property.ts'
import { SecretFilter } from './secret-filter.ts'

const through = (secrets: readonly string[], pieces: readonly string[]): string => {
  const filter = new SecretFilter(secrets)
  const out = pieces.map(piece => String(Buffer.from(filter.write(Buffer.from(piece)))))
  return out.join('') + Buffer.from(filter.end()).toString()
}

describe('the filter of our own secrets', () => {
  it('hides them however they are cut, and keeps the length', () => {
    const text = 'Bearer secret-7 and ssecret-7, secret-'
    for (let at = 0; at <= text.length; at += 1)
      expect(through(['secret-7'], [text.slice(0, at), text.slice(at)]), `${at}`).toBe(
        'Bearer ******** and s********, secret-',
      )
    expect(through(['secret-7'], [...text])).toBe('Bearer ******** and s********, secret-')
  })

  it('changes nothing else, and holds back no more than a beginning', () => {
    const letters = fc.stringMatching(/^[ab]{0,12}$/)
    fc.assert(
      fc.property(fc.stringMatching(/^[ab]{2,6}$/), fc.array(letters), (secret, pieces) => {
        const whole = pieces.join('')
        const out = through([secret], pieces)
        expect(out.length).toBe(whole.length)
        expect(out).not.toContain(secret)
        expect(out).toBe(whole.replaceAll(secret, '*'.repeat(secret.length)))
      }),
    )
    const filter = new SecretFilter(['secret-7'])
    expect(String(Buffer.from(filter.write(Buffer.from('data: 1\n\n'))))).toBe('data: 1\n\n')
  })

  it('leaves the bytes of others as they are', () => {
    const chunk = Buffer.from('a secret-7')
    new SecretFilter(['secret-7']).write(chunk)
    expect(chunk.toString()).toBe('a secret-7')
  })
})
