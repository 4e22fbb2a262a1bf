import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { BodyProblem } from './body.ts'
import { createBodyMasker } from './body-masker.ts'
import { everyCut, rulesOf, through } from './rules.testing.ts'

const CARD = '4111111111111111'
const hidden = rulesOf({ 'secret-name': { names: ['full_name'], pointers: ['/user/nick'] } })
const detectorsOnly = rulesOf()

const part = (head: string, body: string): string =>
  `--b\r\n${head}${head && '\r\n'}\r\n${body}\r\n`
const field = (name: string, body: string): string =>
  part(`Content-Disposition: form-data; name="${name}"`, body)
const typed = (type: string, body: string): string => part(`Content-Type: ${type}`, body)
const END = '--b--\r\n'

const masker = (rules = hidden, kind = 'form-data', textsByDetectors = false) =>
  createBodyMasker(rules, { contentType: `multipart/${kind}; boundary=b`, textsByDetectors })
const masked = (text: string, rules = hidden, kind = 'form-data'): string =>
  everyCut(() => masker(rules, kind), text)

function faultOf(text: string, rules = hidden): string | undefined {
  try {
    through(masker(rules, 'mixed'), [text])
    return undefined
  } catch (error) {
    // What the test asks for; anything else is a bug and comes up.
    if (error instanceof BodyProblem) return error.fault
    throw error
  }
}

describe('a multipart body', () => {
  it('goes on byte by byte when nothing is hidden in it', () => {
    const text = `${field('a', 'x\r\n--c\r\n-- b\r\n\r')}${typed('application/json; charset=utf-8', '{"a":"--b"}')}${part('', '\r\n-')}${END}`
    expect(masked(text, detectorsOnly)).toBe(text)
    expect(masked(`\r\n${text}`, detectorsOnly)).toBe(`\r\n${text}`)
    expect(masked(`--b--`)).toBe('--b--')
    expect(through(masker(), [])).toBe('')
  })

  it('is masked part by part, each by what it says that it is', () => {
    const json = typed(
      'application/json',
      `{"full_name":"Ann","card":"${CARD}","user":{"nick":"A"}}`,
    )
    expect(
      masked(`${json}${typed('text/csv', 'id,full_name\r\n1,Ann')}${END}`, hidden, 'mixed'),
    ).toBe(
      `${typed('application/json', '{"full_name":"⟦m:secret-name⟧","card":"⟦m:card⟧","user":{"nick":"⟦m:secret-name⟧"}}')}${typed('text/csv', 'id,full_name\r\n1,⟦m:secret-name⟧')}${END}`,
    )
  })

  it('hides fields of a form by their names, and a file or a document that is called so', () => {
    const file = part(
      'Content-Disposition: form-data; name="full_name"; filename="x.png"\r\nContent-Type: image/png',
      'PNG Ann',
    )
    const json = part(
      'Content-Disposition: form-data; name=nick\r\nContent-Type: application/json',
      '{"a":"Ann"}',
    )
    const shown = masked(
      `${field('full_name', 'Ann')}${field('user[fullName]', 'Ann')}${field('other', 'Bo')}${file}${json}${END}`,
    )
    expect(shown).not.toContain('Ann')
    expect(shown).toContain('name="full_name"\r\n\r\n⟦m:secret-name⟧\r\n--b')
    expect(shown).toContain('name="other"\r\n\r\nBo\r\n')
    expect(shown).toContain('application/json\r\n\r\nnull\r\n')
  })

  it('reads values with their names, JSON in fields, and what stands in heads', () => {
    const shown = masked(
      `${field('ssn', '536224179')}${field('id', '536224179')}${field('data', '{"full_name":"Ann"}')}${part(`Content-Disposition: attachment; filename="${CARD}.txt"\r\nContent-Length: 5`, `no. ${CARD}`)}${END}`,
      rulesOf({ card: { names: ['full_name'] } }),
    )
    expect(shown).toContain('name="ssn"\r\n\r\n⟦m:ssn⟧\r\n')
    expect(shown).toContain('name="id"\r\n\r\n536224179\r\n')
    expect(shown).not.toMatch(/Ann|4111|Content-Length/)
  })

  it('ends at parts that nobody reads', () => {
    expect(faultOf(`${typed('image/png', 'PNG')}${END}`)).toBe('type')
    expect(faultOf(`${typed('multipart/mixed; boundary=c', '--c--')}${END}`)).toBe('type')
    // Fields are hidden that a text does not tell.
    expect(faultOf(`${typed('text/plain', 'Ann')}${END}`)).toBe('type')
    expect(faultOf(`${typed('text/plain', 'Ann')}${END}`, detectorsOnly)).toBeUndefined()
    for (const head of [
      'Content-Type: application/json; charset=utf-16',
      'Content-Transfer-Encoding: base64',
      'Content-Encoding: gzip',
      'Content-Range: bytes 0-1/2',
    ])
      expect(faultOf(`${part(head, '{}')}${END}`), head).toBe('encoding')
    expect(faultOf(`${typed('application/json', '{"a"')}${END}`)).toBe('malformed')
    expect(faultOf(`${field('a', 'x'.repeat(1024 * 1024 + 1))}${END}`)).toBe('too_long')
  })

  it('lets these through where the resource says that they hold nothing', () => {
    const text = `${typed('image/png', 'PNG')}${typed('text/plain', `Ann ${CARD}`)}${END}`
    expect(through(masker(hidden, 'mixed', true), [text])).toBe(text.replace(CARD, '⟦m:card⟧'))
  })

  it('is refused when two readers could cut it differently', () => {
    const ok = typed('application/json', '{}')
    for (const text of [
      `preamble\r\n${ok}${END}`,
      `${ok}`,
      `${ok}--b--\r\nmore`,
      `${ok}--b--\r\n\r\n`,
      `--b \r\n\r\n\r\n${END}`,
      `${ok.replaceAll('\r\n', '\n')}--b--\n`,
      `${part('Content-Type: application/json', '{}\n--b\r\nContent-Type: text/html\r\n\r\n')}${END}`,
      `${part('Content-Type: application/json', '{}\r--b')}${END}`,
      `${typed('application/json', '--b')}${END}`,
      `${ok}--bc\r\n\r\n\r\n${END}`,
      `${part('Content-Type: text/csv\r\nContent-Type: text/plain', 'a')}${END}`,
      `${part('Content-Type: text/csv\r\n folded: a', 'a')}${END}`,
      `${part('Content-Disposition: form-data; name="a"; name="b"', 'a')}${END}`,
      `${part("Content-Disposition: form-data; name*=utf-8''full_name", 'Ann')}${END}`,
      `${part(`X: ${'x'.repeat(5_000)}`, 'a')}${END}`,
      `--b\r\n${'x'.repeat(5_000)}`,
    ])
      expect(faultOf(text), JSON.stringify(text.slice(0, 80))).toBe('malformed')
  })

  it('gives a part as soon as the next one begins, and takes a boundary of one sign', () => {
    const defer = createBodyMasker(hidden, {
      contentType: 'multipart/mixed; boundary="-"; deferSpec=20220824',
    })
    const said = (text: string) => Buffer.concat(defer.write(Buffer.from(text))).toString()
    expect(
      said('\r\n---\r\nContent-Type: application/json\r\n\r\n{"full_name":"Ann"}\r\n---'),
    ).toBe(
      '\r\n---\r\nContent-Type: application/json\r\n\r\n{"full_name":"⟦m:secret-name⟧"}\r\n---',
    )
    expect(said('\r\nContent-Type: application/json\r\n\r\n{"a":"---"}\r\n-----\r\n')).toBe(
      '\r\nContent-Type: application/json\r\n\r\n{"a":"---"}\r\n-----\r\n',
    )
    expect(defer.end()).toEqual([])
    expect(defer.found).toEqual(new Map([['secret-name', 1]]))
  })
})
