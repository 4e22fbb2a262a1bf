import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { BodyProblem } from './body.ts'
import { type BodySettings, createBodyMasker } from './body-masker.ts'
import { everyCut, rulesOf, through } from './rules.testing.ts'
import type { BodyRules } from './rules.ts'
import { LONGEST_VALUE } from './values.ts'

const plain = rulesOf()
const named = rulesOf({
  'secret-name': { names: ['full name'], pointers: ['/people/*/nick'] },
  gone: { names: ['pin'] },
})
const of = (contentType: string, rules: BodyRules = plain, settings: Partial<BodySettings> = {}) =>
  createBodyMasker(rules, { contentType, ...settings })
const masked = (contentType: string, text: string | Uint8Array, rules?: BodyRules): string =>
  everyCut(() => of(contentType, rules), text)
function faultOf(contentType: string | undefined, text: string | Uint8Array = '', rules = plain) {
  try {
    through(createBodyMasker(rules, { contentType }), [text])
    return undefined
  } catch (error) {
    // What the test asks for; anything else is a bug and comes up.
    if (error instanceof BodyProblem) return error.fault
    throw error
  }
}
const CARD = '4111111111111111'
const MARK = '⟦m:card⟧'

describe('a body', () => {
  it('never shows a card number, in any type, wherever it is cut', () => {
    const bodies: Record<string, string> = {
      'application/json': `{"a":["${CARD}",${CARD}],"${CARD}":1}`,
      'application/vnd.api+json; charset=UTF-8': `[["\\u0034${CARD.slice(1)}"]]`,
      'application/x-ndjson': `{"a":"${CARD}"}\n{"b":${CARD}}\n`,
      'application/json-seq': `\u001e{"a":"${CARD}"}\n`,
      'text/csv': `name,card\r\nAnn,${CARD}\r\n"Bo, B","4111 1111 1111 1111"\r\n`,
      'text/tab-separated-values': `name\tcard\nAnn\t${CARD}\n`,
      'text/event-stream': `id: ${CARD}\ndata: {"a":"${CARD}"}\n\ndata: ${CARD}\n\n: ${CARD}\n\n`,
      'application/x-www-form-urlencoded': `card=${CARD}&b=%34111+1111%201111+1111&${CARD}=1&${CARD}`,
      'text/html': `<p title="${CARD}">&#52;111&nbsp;1111&#x20;1111 1111</p>\n`,
      'application/xml': `<c n="${CARD}">4111&#x2d;1111&#45;1111-1111</c>`,
      'image/svg+xml': `<text>${CARD}</text>`,
      'text/plain': `card ${CARD}\n${CARD}`,
      'application/javascript': `f({"card":"${CARD}"})`,
      'text/weird': CARD,
    }
    for (const [type, text] of Object.entries(bodies)) {
      const out = masked(type, text)
      expect(decodeURIComponent(out), type).not.toMatch(/4111|52;111/)
      expect(decodeURIComponent(out), type).toMatch(/m:card|null/)
    }
  })

  it('stays as it is when nothing is hidden in it', () => {
    const bodies: Record<string, string> = {
      'text/csv': '\ufeff"na ""me";b\r\n"x;\r\ny";5" wide\n\n a ;"q"r\r"open',
      'text/event-stream':
        '\ufeff: hi\r\n\r\nevent: a\rdata:x\rdata\r\rid\nretry: 5\n\n\n\ndata: [DONE]\n\ndata: {bad\n\nrest',
      'application/x-www-form-urlencoded': 'a=1&b=%zz%4&&=x&c&d=+%20&=&',
      'text/html; charset=ascii':
        '<p>&amp; &lt; &#38; &#x3c; &unknown; &#0; &#55296; &#99999999; & &#</p>',
      'text/plain': 'ä line\n and "another", 1;2\n\n',
    }
    for (const [type, text] of Object.entries(bodies)) expect(masked(type, text), type).toBe(text)
  })

  it('is refused when nothing reads what it says it is', () => {
    for (const type of [
      undefined,
      'image/png',
      'application/octet-stream',
      'application/grpc',
      'multipart/form-data',
      'multipart/form-data; boundary=" "',
      'multipart/related; boundary=x',
      'multipart/byteranges; boundary=x',
      'application/pdf',
      'json',
      'text',
      'text/plain; charset=utf-8; charset=utf-16',
      'text/plain; charset',
      'text/plain, application/json',
    ])
      expect(faultOf(type), type).toBe('type')
    expect(faultOf('text/plain; charset=utf-7')).toBe('encoding')
    expect(faultOf('text/plain; charset=nonsense')).toBe('encoding')
  })

  it('is refused when it is not what it says it is', () => {
    expect(faultOf('application/json', '<html>')).toBe('malformed')
    expect(faultOf('application/json', '{} x')).toBe('malformed')
    expect(faultOf('text/plain', Buffer.from('4111', 'utf16le'))).toBe('encoding')
    expect(faultOf('text/csv', Buffer.from('4111', 'utf16le'))).toBe('encoding')
    expect(faultOf('text/event-stream', Buffer.from('4111', 'utf16le'))).toBe('encoding')
    expect(faultOf('text/plain; charset=utf-16', Uint8Array.of(0xd8, 0xd8, 0xd8))).toBe('encoding')
    const long = 'x'.repeat(LONGEST_VALUE + 1)
    for (const type of ['text/csv', 'text/event-stream', 'application/x-www-form-urlencoded'])
      expect(faultOf(type, long), type).toBe('too_long')
  })

  it('goes on as UTF-8 when it comes in another character set', () => {
    const text = `Zoë ${CARD}\n`
    const cases: [string, Buffer][] = [
      ['iso-8859-1', Buffer.from(text, 'latin1')],
      ['UTF-16LE', Buffer.from(text, 'utf16le')],
      ['utf-16', Buffer.from(`\ufeff${text}`, 'utf16le')],
      ['utf-16', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
      ['"utf-16be"', Buffer.from(text, 'utf16le').swap16()],
    ]
    for (const [charset, bytes] of cases) {
      const type = `text/plain; format=flowed; charset=${charset}`
      expect(masked(type, bytes), charset).toBe(`Zoë ${MARK}\n`)
      expect(of(type).contentType).toBe('text/plain; format="flowed"; charset=utf-8')
    }
    expect(masked('application/json; charset=utf-16le', Buffer.from(`[${CARD}]`, 'utf16le'))).toBe(
      '[null]',
    )
    expect(of('text/plain; charset=UTF-8').contentType).toBeUndefined()
    expect(masked('text/plain; charset=latin1', '')).toBe('')
  })

  it('says how many values it hid, by class', () => {
    const body = of('text/csv', named)
    through(body, [`full_name,note\nAnn,${CARD}\nBo,x\n`])
    expect(Object.fromEntries(body.found)).toEqual({ 'secret-name': 2, card: 1 })
  })

  it('gives its scanner back to the next, with nothing in it', () => {
    const rules = rulesOf()
    const first = of('text/plain', rules)
    first.write(Buffer.from(`${CARD}\n`))
    first.abort()
    first.abort()
    const second = of('text/plain', rules)
    through(second, ['nothing\n'])
    expect(Object.fromEntries(second.found)).toEqual({})
  })
})

describe('fields that are hidden', () => {
  it('are columns of CSV, whatever the delimiter', () => {
    expect(masked('text/csv', 'id,Full Name,pin\r\n1,Ann,1234\r\n2,"B ""o"", b",\r\n', named)).toBe(
      'id,Full Name,pin\r\n1,⟦m:secret-name⟧,\r\n2,"⟦m:secret-name⟧",\r\n',
    )
    expect(masked('text/csv', 'id;"full_name"\n1;Ann', named)).toBe(
      'id;"full_name"\n1;⟦m:secret-name⟧',
    )
    expect(masked('text/csv', '\ufeff"full name"|b,c\n"A|B"|x', named)).toBe(
      '\ufeff"full name"|b,c\n"⟦m:secret-name⟧"|x',
    )
    expect(masked('text/tab-separated-values', 'id\tNick\n1\tAnn\n', named)).toBe(
      'id\tNick\n1\t⟦m:secret-name⟧\n',
    )
  })

  it('are columns of CSV below a title', () => {
    expect(masked('text/csv', '\nAll of us, 2026\n\nid,full_name\n1,Ann\n', named)).toBe(
      '\nAll of us, 2026\n\nid,full_name\n1,⟦m:secret-name⟧\n',
    )
    expect(masked('text/csv', 'Report\nid;full_name\n1;Ann\n', named)).toContain(
      '1;⟦m:secret-name⟧\n',
    )
  })

  it('may be any cell of a row that does not fit the first', () => {
    expect(masked('text/csv', 'id,full_name\n1,Ann,x\n\n"1\\",x",Ann\n', named)).toBe(
      `id,full_name\n${MARK},${MARK},${MARK}\n\n"${MARK}",${MARK},${MARK}\n`,
    )
    expect(masked('text/csv', 'id,b\n1,Ann,x\n', named)).toBe('id,b\n1,Ann,x\n')
  })

  it('are values of a form', () => {
    expect(
      masked(
        'application/x-www-form-urlencoded',
        'user%5Bfull_name%5D=Ann+B&pin=1&x=2&people[0][nick]=a',
        named,
      ),
    ).toBe(
      'user%5Bfull_name%5D=%E2%9F%A6m%3Asecret-name%E2%9F%A7&pin=&x=2&people[0][nick]=%E2%9F%A6m%3Asecret-name%E2%9F%A7',
    )
  })

  it('are members of the JSON in events', () => {
    const text =
      'event: a\r\ndata: {"full_name":\r\ndata:"Ann"}\r\nid: 7\r\n\r\ndata: {"people":[{"nick":"A"}]}\n\ndata: [DONE]\n\n'
    expect(masked('text/event-stream', text, named)).toBe(
      'event: a\r\ndata: {"full_name":\r\ndata: "⟦m:secret-name⟧"}\r\nid: 7\r\n\r\ndata: {"people":[{"nick":"⟦m:secret-name⟧"}]}\n\ndata: [DONE]\n\n',
    )
    expect(faultOf('text/event-stream', 'data: {"full_name":"Ann"\n\n', named)).toBe('malformed')
  })

  it('are not told by texts: these are refused, unless the resource says otherwise', () => {
    expect(faultOf('text/html', '', named)).toBe('type')
    expect(faultOf('text/plain', '', named)).toBe('type')
    expect(faultOf('application/javascript', '', named)).toBe('type')
    expect(faultOf('text/csv; header=absent', '', named)).toBe('type')
    const lenient = of('text/html', named, { textsByDetectors: true })
    expect(through(lenient, [`<p>${CARD}`])).toBe(`<p>${MARK}`)
  })
})

describe('a stream of events', () => {
  it('is late by one event at most', () => {
    const body = of('text/event-stream')
    const said = (text: string) => Buffer.concat(body.write(Buffer.from(text))).toString()
    expect(said('data: 1\n\nda')).toBe('data: 1\n\n')
    expect(said('ta: 2\r')).toBe('')
    expect(said('\n\r')).toBe('data: 2\r\n\r')
    expect(said('\n: beat\n\n')).toBe('\n: beat\n\n')
  })
})

describe('any body', () => {
  it('gives the same however it is cut, and ends in time', () => {
    const types = [
      'text/csv',
      'text/event-stream',
      'application/x-www-form-urlencoded',
      'text/html',
      'text/plain',
      'application/x-ndjson',
    ]
    const piece = fc.constantFrom(
      ...[
        CARD,
        ' 4111 1111 1111 1111 ',
        '"',
        '""',
        ',',
        ';',
        '\n',
        '\r',
        '\r\n',
        '\n\n',
        'data: ',
        'id:',
        '=',
        '&',
      ],
      ...[
        '%34',
        '%',
        '+',
        '&#52;',
        '&#',
        '{"a":',
        '}',
        '[',
        'full_name',
        '\ufeff',
        'é',
        'x',
        ' ',
        'ann@example.com',
      ],
    )
    const text = fc.array(piece, { maxLength: 12 }).map(pieces => Buffer.from(pieces.join('')))
    fc.assert(
      fc.property(
        fc.constantFrom(...types),
        text,
        fc.array(fc.nat(), { maxLength: 5 }),
        (type, bytes, cuts) => {
          const at = [
            0,
            ...cuts.map(each => each % (bytes.length + 1)).sort((a, b) => a - b),
            bytes.length,
          ]
          const run = (pieces: Uint8Array[]): string => {
            try {
              return through(of(type, named, { textsByDetectors: true }), pieces)
            } catch (error) {
              // A body that is refused is refused however it is cut.
              if (error instanceof BodyProblem) return error.fault
              throw error
            }
          }
          const whole = run([bytes])
          expect(run(at.slice(1).map((to, i) => bytes.subarray(at[i], to)))).toBe(whole)
          if (!bytes.includes(`${CARD}${CARD}`))
            expect(whole).not.toMatch(/(?<![\w.+%⟧-])4111111111111111(?![\w.+%&⟦-])/)
        },
      ),
      { numRuns: 1_500 },
    )
  })

  it('costs linear time', () => {
    const big = 150_000
    const texts: [string, string][] = [
      ['text/csv', `a,b\n${'"'.repeat(big)}`],
      ['text/csv', 'a,b\n'.repeat(big / 4)],
      ['text/event-stream', 'data:\n'.repeat(big / 6)],
      ['text/event-stream', '\r\n'.repeat(big / 2)],
      ['application/x-www-form-urlencoded', '%34&'.repeat(big / 4)],
      ['text/html', '&#52;'.repeat(big / 5)],
      ['text/html', '&'.repeat(big)],
      ['text/plain', '-----BEGIN '.repeat(big / 11)],
    ]
    for (const [type, text] of texts) {
      const bytes = Buffer.from(text)
      const pieces = Array.from({ length: Math.ceil(bytes.length / 4_096) }, (_, i) =>
        bytes.subarray(i * 4_096, (i + 1) * 4_096),
      )
      const began = process.cpuUsage()
      through(of(type), pieces)
      expect(process.cpuUsage(began).user, `${type} ${text.slice(0, 12)}`).toBeLessThan(1_500_000)
    }
  })
})
