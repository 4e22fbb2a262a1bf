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

  it('hides one that is a part of another, or overlaps it, wherever they are cut', () => {
    const secrets = ['secret', 'secret-longer', 'longer-still', '']
    for (const text of ['a secret-longer-still b', 'secret-longe', 'secretsecret-longer-stil']) {
      const whole = through(secrets, [text])
      for (let at = 0; at <= text.length; at += 1)
        expect(through(secrets, [text.slice(0, at), text.slice(at)]), `${at}`).toBe(whole)
    }
    expect(through(secrets, ['a secret-longer-still b'])).toBe('a ******************* b')
    expect(through(secrets, ['secret-longe'])).toBe('******-longe')
    expect(through(secrets, ['secretsecret-longer-stil'])).toBe('*******************-stil')
  })

  it('changes nothing else, and holds back no more than a beginning', () => {
    const letters = fc.stringMatching(/^[ab]{0,12}$/)
    const some = fc.array(fc.stringMatching(/^[ab]{2,6}$/), { minLength: 1, maxLength: 3 })
    fc.assert(
      fc.property(some, fc.array(letters), (secrets, pieces) => {
        const whole = pieces.join('')
        const hidden = [...whole].map((letter, at) => {
          const inside = (secret: string): boolean =>
            whole.slice(Math.max(0, at - secret.length + 1), at + secret.length).includes(secret)
          return secrets.some(inside) ? '*' : letter
        })
        expect(through(secrets, pieces)).toBe(hidden.join(''))
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
