import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { JsonProblem } from './problem.ts'
import { decodeString, encodedBytes, encodeString } from './text.ts'
import {
  END,
  JsonTokens,
  NAME,
  NEED,
  NULL,
  NUMBER,
  PIECE,
  type SeenName,
  STRING,
  type TokenSettings,
} from './tokens.ts'

type Seen = readonly [token: number, text: string]

/** The tokens of a text that comes in these pieces. */
function tokensOf(pieces: readonly (string | Uint8Array)[], settings: Partial<TokenSettings> = {}) {
  const tokens = new JsonTokens({ depth: 64, ...settings })
  const seen: Seen[] = []
  const read = (): void => {
    for (;;) {
      const token = tokens.next()
      if (token === NEED || token === END) return
      seen.push([token, Buffer.from(tokens.src.slice(tokens.start, tokens.end)).toString('latin1')])
    }
  }
  for (const piece of pieces) {
    tokens.feed(Buffer.from(piece))
    read()
  }
  tokens.finish()
  read()
  return seen
}

/** The fault that is found; undefined: it is JSON. */
function faultOf(pieces: readonly (string | Uint8Array)[], settings?: Partial<TokenSettings>) {
  try {
    tokensOf(pieces, settings)
    return undefined
  } catch (error) {
    // What the test asks for; anything else is a bug and comes up.
    if (error instanceof JsonProblem) return error.fault
    throw error
  }
}

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    // It is the question.
    return false
  }
}

describe('JSON tokens', () => {
  it('says what stands where', () => {
    const spans = tokensOf(['{"a":[1,-0.5e+3,true],"b":{"c":null,"d":"x\\n"}}']).map(
      ([, text]) => text,
    )
    expect(spans).toEqual([
      '{',
      'a',
      '[',
      '1',
      '-0.5e+3',
      'true',
      ']',
      'b',
      '{',
      'c',
      'null',
      'd',
      'x\\n',
      '}',
      '}',
    ])
  })

  it('sees the same however a text is cut', () => {
    const text = Buffer.from(
      '\ufeff {"k\\u00e9y":"ünï😀\\ud83d\\ude00\\u0000", "n":[-12.50E-7,0,true,false,null,{}]}\n',
    )
    const whole = tokensOf([text])
    expect(whole.length).toBeGreaterThan(10)
    for (let at = 0; at <= text.length; at++)
      expect(tokensOf([text.subarray(0, at), text.subarray(at)]), `cut at ${at}`).toEqual(whole)
    expect(tokensOf([...text].map(byte => Uint8Array.of(byte)))).toEqual(whole)
  })

  // Names and cases after nst/JSONTestSuite.
  const accepted = [
    '[]',
    '[[] ]',
    '[""]',
    '[1 ]',
    '[null, 1, "1", {}]',
    ' [1] ',
    '-0',
    '-123',
    '20e1',
    '123.456e78',
    '1E22',
    '1E-2',
    '0e1',
    '0e+1',
    '-1e-1',
    'true',
    'null',
    '"a"',
    '" "',
    '{"":0}',
    '{"a":"b","a":"b"}',
    '{"a":[]}',
    '["\\/\\"\\\\"]',
    '["\\u0060\\u012a\\u12AB"]',
    '["\\uD801\\udc37"]',
    '["\u20ac𝄞"]',
    '["\u007f"]',
    '["\u2028"]',
    '["\\u0000"]',
    '{"title":"\\u041f\\u043e"}',
    '["\\"\\\\\\/\\b\\f\\n\\r\\t"]',
    '{\n"a":\t1\r}',
    '123123e100000',
    '-100000000000000000000000000000000000000000',
    '["\\uFFFE"]',
    '[4.0]',
    '[\n]',
  ]
  const refused = [
    '',
    ' ',
    '[',
    ']',
    '[1',
    '[1,',
    '[1,]',
    '[,1]',
    '[1 true]',
    '["a",,1]',
    '["a":1]',
    '[1]]',
    '[1]x',
    '[a]',
    '[1,\n1\n,1',
    '-',
    '-01',
    '01',
    '012',
    '1.',
    '.1',
    '-.1',
    '1.e3',
    '0.',
    '0.e1',
    '0e',
    '0e+',
    '0E',
    '1e',
    '1e-',
    '1eE2',
    '+1',
    '++1',
    '0x1',
    '1 000',
    '1.2.3',
    'Infinity',
    'NaN',
    '-Infinity',
    '1_000',
    '-2.',
    '2.e+3',
    '9.e+',
    '-1x',
    '1ea',
    '-foo',
    '１',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{,"a":1}',
    '{"a" 1}',
    '{"a"::1}',
    '{a:1}',
    "{'a':1}",
    '{1:1}',
    '{"a":1 "b":2}',
    '{"a":1}}',
    '{"a":1}#',
    '{"a":1}/**/',
    '{[:1}',
    '{null:null}',
    '{"a":"a" 1}',
    '{{}}',
    '{}{}',
    '"',
    '"a',
    '"\\"',
    '"\\x00"',
    '"\\u12"',
    '"\\u00A',
    '"\\uqqqq"',
    '"\\U0041"',
    '"\\a"',
    '"\\\u0000"',
    '"\n"',
    '"\t"',
    '"\u0000"',
    '["\\\\\\"]',
    "['a']",
    '[\u000c]',
    '\u00a0[]',
    '[\u2060]',
    'nul',
    'True',
    'truee',
    'tru',
    'null]',
    '*',
    '[*]',
    '<null>',
    '[1],',
    '[}',
    '{]',
    '["x"',
    '"x"y',
    '["\\',
    '\ufeff',
    '{"a":/*x*/1}',
    '[undefined]',
    '\u001e1',
  ]

  it('takes what JSON is', () => {
    for (const text of accepted) {
      expect(parses(text), text).toBe(true)
      expect(faultOf([text]), text).toBeUndefined()
      expect(faultOf([...text].map(each => each)), text).toBeUndefined()
    }
  })

  it('refuses what JSON is not', () => {
    for (const text of refused) {
      expect(parses(text), text).toBe(false)
      expect(faultOf([text]), text).toBeDefined()
      expect(faultOf([...text].map(each => each)), text).toBeDefined()
    }
  })

  it('refuses bytes that are not UTF-8', () => {
    const bad = [
      'ff',
      'c3',
      'c328',
      'c080',
      'e08080',
      'eda080',
      'f4908080',
      'f8888080',
      '80',
      'e28228',
      'f09f98',
    ]
    for (const hex of bad) {
      const text = Buffer.concat([Buffer.from('["'), Buffer.from(hex, 'hex'), Buffer.from('"]')])
      expect(faultOf([text]), hex).toBeDefined()
      expect(faultOf([...text].map(byte => Uint8Array.of(byte))), hex).toBeDefined()
    }
  })

  it('bounds nesting and the length of a number', () => {
    expect(faultOf(['['.repeat(10_000)])).toBe('depth')
    expect(faultOf(['{"a":'.repeat(10_000)])).toBe('depth')
    expect(faultOf(['[['], { depth: 1 })).toBe('depth')
    expect(faultOf([`[${'9'.repeat(20_000)}]`])).toBe('too_long')
  })

  it('takes many texts where many may stand', () => {
    const many = { texts: 'many' } as const
    expect(tokensOf(['{"a":1}\n{"a":2}\n'], many)).toHaveLength(8)
    expect(tokensOf(['\u001e{}\n\u001e[1]\n'], many)).toHaveLength(5)
    expect(tokensOf(['1 2\n"x"'], many)).toHaveLength(3)
    expect(tokensOf([''], many)).toHaveLength(0)
    expect(faultOf(['{"a":\u001e1}'], many)).toBe('syntax')
    expect(faultOf(['{} {'], many)).toBe('truncated')
  })

  it('lets a long string pass in pieces, and judges them', () => {
    const tokens = new JsonTokens({ depth: 4 })
    let text = ''
    const read = (): number => {
      for (;;) {
        const token = tokens.next()
        if (token === NEED || token === END) return token
        if (token >= PIECE)
          text += Buffer.from(tokens.src.slice(tokens.start, tokens.end)).toString()
      }
    }
    tokens.feed(Buffer.from('["ab\\u00'))
    expect(read()).toBe(NEED)
    expect(tokens.openString).toBe('string')
    tokens.passLong()
    text += Buffer.from(tokens.src.slice(tokens.start, tokens.end)).toString()
    for (const piece of ['e9c', 'd\\', 'n', 'é"', ',1]']) {
      tokens.feed(Buffer.from(piece))
      read()
    }
    tokens.finish()
    expect(read()).toBe(END)
    expect(text).toBe('"ab\\u00e9cd\\né"')
  })

  it('agrees with JSON.parse on texts and on their mutations', () => {
    const mutated = fc
      .tuple(
        fc.json({ maxDepth: 4 }),
        fc.nat(),
        fc.constantFrom(
          '',
          '"',
          '\\',
          '{',
          ']',
          ',',
          ':',
          '0',
          'e',
          '-',
          ' ',
          'u',
          '\u0001',
          'é',
          '.',
        ),
        fc.nat(3),
        fc.nat(),
      )
      .map(([text, at, put, gone, cut]) => {
        const i = at % (text.length + 1)
        const changed = text.slice(0, i) + put + text.slice(i + gone)
        return { changed, cut: cut % (changed.length + 1) }
      })
    fc.assert(
      fc.property(mutated, ({ changed, cut }) => {
        // JSON.parse takes half a surrogate pair; UTF-8 has none.
        const text = changed.toWellFormed()
        const bytes = Buffer.from(text)
        const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)]
        expect(faultOf(pieces) === undefined).toBe(parses(text))
      }),
      { numRuns: 2_000 },
    )
  })

  it('goes over what is expected as it would read it, and over nothing that is no JSON', () => {
    interface Known extends SeenName {
      readonly text: string
      next: Known | undefined
    }
    const scalar = (token: number) => token === STRING || (token >= NUMBER && token <= NULL)
    /** What is seen with and without skimming, of a text whose names are always expected after their first time. */
    const seenOf = (bytes: Buffer, cut: number, skims: boolean, values: boolean) => {
      const names = new Map<string, Known>()
      let last: Known = { text: '', passed: undefined, next: undefined }
      const tokens = new JsonTokens({ depth: 64 })
      const seen: string[] = []
      const read = (): void => {
        for (;;) {
          const passed = skims
            ? tokens.skim({ behind: each => each.next }, last, values)
            : undefined
          last = passed ?? last
          const token = tokens.next()
          if (token === NEED || token === END) return
          const text = Buffer.from(tokens.src.slice(tokens.start, tokens.end)).toString('latin1')
          if (token === NAME) {
            const plain = /^[ -~]*$/.test(text) && !text.includes('\\')
            const known = names.get(text) ?? {
              text,
              passed: plain ? Buffer.from(text) : undefined,
              next: undefined,
            }
            names.set(text, known)
            last.next = known
            last = known
          } else if (!scalar(token)) seen.push(`${token} ${text} ${tokens.depth}`)
          else if (!values)
            seen.push(`${token} ${text} ${tokens.arrayAt(tokens.depth) || last.text}`)
          else if (text.startsWith('{')) seen.push(text)
        }
      }
      try {
        for (const piece of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
          tokens.feed(piece)
          read()
        }
        tokens.finish()
        read()
      } catch (error) {
        // What the test asks for; anything else is a bug and comes up.
        if (!(error instanceof JsonProblem)) throw error
        seen.push(error.fault)
      }
      return seen
    }
    const name = fc.constantFrom('a', 'b', 'é', 'c d', '"')
    const any = fc.letrec(tie => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>('', '{}', ' x', 'é', 1.5, -2e30, true, false, null, '\\'),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(name, tie('any'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).any
    const texts = fc
      .tuple(
        any,
        fc.nat(),
        fc.constantFrom('', '"', ',', ':', '0', ' ', '}', 'é'),
        fc.nat(2),
        fc.nat(),
      )
      .map(([what, at, put, gone, cut]) => {
        const text = JSON.stringify([what, what, what])
        const i = at % (text.length + 1)
        const bytes = Buffer.from(text.slice(0, i) + put + text.slice(i + gone))
        return { bytes, cut: cut % (bytes.length + 1) }
      })
    fc.assert(
      fc.property(texts, fc.boolean(), ({ bytes, cut }, values) => {
        expect(seenOf(bytes, cut, true, values)).toEqual(seenOf(bytes, cut, false, values))
      }),
      { numRuns: Number(process.env['SKIM_RUNS'] ?? 2_000) },
    )
  })

  it('reads strings as JSON.parse does, and writes what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.array(fc.boolean()), (text, escapes) => {
        const escaped = [...text]
          .map((each, i) =>
            escapes[i] || each < ' ' || each === '"' || each === '\\'
              ? [...Array(each.length).keys()]
                  .map(k => `\\u${each.charCodeAt(k).toString(16).padStart(4, '0')}`)
                  .join('')
              : each,
          )
          .join('')
        const src = Buffer.from(escaped)
        const out = Buffer.alloc(src.length)
        const decoded = out.subarray(0, decodeString(src, 0, src.length, out, 0))
        expect(decoded.equals(Buffer.from(text))).toBe(true)
        const back = Buffer.alloc(encodedBytes(decoded.length))
        const written = encodeString(decoded, 0, decoded.length, back, 0)
        expect(JSON.parse(back.toString('utf8', 0, written))).toBe(decoded.toString())
      }),
    )
  })

  it('costs linear time for a string that comes byte by byte', () => {
    const text = Buffer.from(`["${'\\u0041x'.repeat(40_000)}"]`)
    const began = process.cpuUsage()
    expect(faultOf([...text].map((_, i) => text.subarray(i, i + 1)))).toBeUndefined()
    expect(process.cpuUsage(began).user).toBeLessThan(2_000_000)
  })
})
