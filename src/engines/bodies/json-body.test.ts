import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { BodyProblem } from './body.ts'
import { createBodyMasker } from './body-masker.ts'
import { JsonBody, type JsonSettings } from './json-body.ts'
import { everyCut, rulesOf, through } from './rules.testing.ts'
import type { BodyRules } from './rules.ts'
import { LONGEST_VALUE, Values } from './values.ts'

const plain = rulesOf()
const body = (rules = plain, settings?: JsonSettings) => new JsonBody(new Values(rules), settings)
const masked = (text: string, rules?: BodyRules, settings?: JsonSettings): string =>
  everyCut(() => body(rules, settings), text)

describe('a JSON body', () => {
  it('passes byte by byte as it is when nothing is hidden in it', () => {
    const text =
      '\r\n{ "a" : [ 1.50, -0e+1 , "x\\u0041\\/" , "a@", null, true],\t"A":{}, "é":"\\ud83d\\ude00"} \n'
    expect(masked(text)).toBe(text)
    const chunk = Buffer.from(text)
    const [only] = body().write(chunk)
    expect(only?.buffer).toBe(chunk.buffer)
  })

  it('hides what detectors find in strings, however they are written', () => {
    expect(masked('{"note":"card 4111 1111 1111 1111."}')).toBe('{"note":"card ⟦m:card⟧."}')
    expect(masked('["\\u0034111111111111111"]')).toBe('["⟦m:card⟧"]')
    expect(masked('["4111\\u00201111\\u00201111 1111\\n\\"q\\""]')).toBe('["⟦m:card⟧\\n\\"q\\""]')
    expect(masked('{"to":"ann@example.com","b":1}')).toContain('@example.com","b":1}')
    expect(masked('{"to":"ann@example.com","b":1}')).not.toContain('ann@')
    expect(masked('{"to":"ann\\u0040example.com"}')).not.toContain('ann')
    expect(masked('"4111111111111111"')).toBe('"⟦m:card⟧"')
  })

  it('hides numbers that detectors find', () => {
    expect(masked('{"n":4111111111111111,"m":4111111111111112}')).toBe(
      '{"n":null,"m":4111111111111112}',
    )
    for (const each of [
      '-4111111111111111',
      '4111111111111111.0',
      '4.111111111111111e15',
      '41111111111111110E-1',
    ])
      expect(masked(`[${each}]`), each).toBe('[null]')
    expect(masked('4111111111111111')).toBe('null')
    expect(masked('[1e999999,4.1e-15,0.0,1E+2,411111111111111.15]')).toBe(
      '[1e999999,4.1e-15,0.0,1E+2,411111111111111.15]',
    )
  })

  it('reads a value with its name, as it would in a text', () => {
    expect(masked('{"ssn":"536224179","other":"536224179"}')).toBe(
      '{"ssn":"⟦m:ssn⟧","other":"536224179"}',
    )
    expect(masked('{"customerSsn":[536224179]}')).toBe('{"customerSsn":[null]}')
  })

  it('hides what detectors find in names', () => {
    expect(masked('{"4111111111111111":{"a":1},"b":{"ann@example.com":2}}')).not.toMatch(
      /4111|ann@/,
    )
  })

  it('hides fields by their names, whatever their case and separators', () => {
    const rules = rulesOf(
      { 'secret-name': { names: ['full_name', '*token'] }, gone: { names: ['pin'] } },
      [],
    )
    expect(masked('{"full_name":"Ann","fullName":"Bo","FULL-NAME":"","name":"Cy"}', rules)).toBe(
      '{"full_name":"⟦m:secret-name⟧","fullName":"⟦m:secret-name⟧","FULL-NAME":"⟦m:secret-name⟧","name":"Cy"}',
    )
    expect(masked('{"full\\u005fname":"Ann"}', rules)).toBe('{"full\\u005fname":"⟦m:secret-name⟧"}')
    expect(masked('{"accessToken":"x","token":"y","tokens":"z"}', rules)).toBe(
      '{"accessToken":"⟦m:secret-name⟧","token":"⟦m:secret-name⟧","tokens":"z"}',
    )
    expect(masked('{"pin":"1234","PIN":1234}', rules)).toBe('{"pin":null,"PIN":null}')
  })

  it('keeps names, not the chunks that they came in', () => {
    const rules = rulesOf({ 'secret-name': { names: ['full_name'] } })
    const chunk = Buffer.from('{"full_name":"Ann"}')
    expect(through(body(rules), [chunk])).not.toContain('Ann')
    chunk.fill(0)
    expect(rules.names.known(Buffer.from('full_name'), 0, 9)?.plan?.dataClass).toBe('secret-name')
    const parts = body(rules).write(chunk.fill('{"full_name":"Bo" }'))
    expect(Buffer.concat(parts).toString()).not.toContain('Bo')
  })

  it('does not take one name for another that is written with escapes', () => {
    const rules = rulesOf({ 'secret-name': { names: ['full_name'] } })
    const csv = createBodyMasker(rules, { contentType: 'text/csv' })
    expect(through(csv, ['full\\u005fname\nAnn\n'])).toBe('full\\u005fname\nAnn\n')
    expect(masked('{"full\\u005fname":"Ann"}', rules)).not.toContain('Ann')
  })

  it('hides a field whole, whatever it holds', () => {
    const rules = rulesOf({ 'secret-name': { names: ['name'] } })
    expect(masked('{"name":{"first":"Ann","l":["x",{}]},"b":1}', rules)).toBe('{"name":null,"b":1}')
    expect(masked('[{"name":["Ann","Bo"]},{"name":true},{"name":7},{"name":null}]', rules)).toBe(
      '[{"name":null},{"name":null},{"name":null},{"name":null}]',
    )
    expect(masked('{"name":[[]],"name":"x"}', rules)).toBe('{"name":null,"name":"⟦m:secret-name⟧"}')
  })

  it('hides fields by pointer', () => {
    const rules = rulesOf(
      {
        'secret-name': { pointers: ['/customers/*/name', '/x/0', '/a~1b'] },
        gone: { pointers: ['/x/*/1'] },
      },
      [],
    )
    expect(masked('{"customers":[{"name":"A","n":1},{"name":"B"}],"name":"C"}', rules)).toBe(
      '{"customers":[{"name":"⟦m:secret-name⟧","n":1},{"name":"⟦m:secret-name⟧"}],"name":"C"}',
    )
    expect(
      masked('{"customers":{"7":{"n\\u0061me":"A"}},"a/b":"s","x":["q",["r","s"],[1,2]]}', rules),
    ).toBe(
      '{"customers":{"7":{"n\\u0061me":"⟦m:secret-name⟧"}},"a/b":"⟦m:secret-name⟧","x":["⟦m:secret-name⟧",["r",null],[1,null]]}',
    )
    expect(masked('{"customers":[[{"name":"A"}]]}', rules)).toBe('{"customers":[[{"name":"A"}]]}')
    expect(masked('{"a":1}', rulesOf({ gone: { pointers: [''] } }))).toBe('null')
  })

  it('shows least where a name and a pointer disagree', () => {
    const rules = rulesOf({ gone: { pointers: ['/name'] }, 'secret-name': { names: ['name'] } })
    expect(masked('{"name":"A"}', rules)).toBe('{"name":null}')
  })

  it('reads JSON within strings', () => {
    const rules = rulesOf({ 'secret-name': { names: ['name'], pointers: ['/payload/who'] } })
    const inner = JSON.stringify({ who: 'Ann', name: 'Bo', n: 1, card: 4111111111111111 })
    expect(
      JSON.parse(JSON.parse(masked(JSON.stringify({ payload: inner }), rules)).payload),
    ).toEqual({
      who: '⟦m:secret-name⟧',
      name: '⟦m:secret-name⟧',
      n: 1,
      card: null,
    })
    const twice = JSON.stringify({ body: JSON.stringify({ body: inner }) })
    expect(masked(twice, rules)).not.toMatch(/Ann.*Bo|4111/)
    // What only looks like JSON is a text.
    expect(masked('{"a":"{4111111111111111"}', rules)).toBe('{"a":"{⟦m:card⟧"}')
    expect(masked('{"a":"[1, 2]  "}', rules)).toBe('{"a":"[1, 2]  "}')
  })

  it('takes lines, sequences and texts one behind another', () => {
    const many = { texts: 'many' } as const
    const rules = rulesOf({ 'secret-name': { pointers: ['/name'] } })
    const text = '{"name":"A"}\n{"name":"B","x":{"name":"C"}}\r\n\u001e[4111111111111111]\n'
    expect(masked(text, rules, many)).toBe(
      '{"name":"⟦m:secret-name⟧"}\n{"name":"⟦m:secret-name⟧","x":{"name":"C"}}\r\n\u001e[null]\n',
    )
  })

  it('lets a line go on as soon as it is there', () => {
    const stream = body(plain, { texts: 'many' })
    const said = stream.write(Buffer.from('{"a":1}\n{"b":"41111'))
    expect(Buffer.concat(said).toString()).toBe('{"a":1}\n{"b":')
  })

  it('stops at what it cannot understand', () => {
    for (const text of [
      '{"a":1',
      '{"a":1} x',
      '{"a":\u0001}',
      '<html>',
      '['.repeat(600),
      '{"a":"\\x"}',
    ])
      expect(() => through(body(), [text]), text).toThrow(BodyProblem)
    expect(() => through(body(), [Buffer.from('{"a":"\xe9"}', 'latin1')])).toThrow(BodyProblem)
    expect(() => through(body(), [`{"${'n'.repeat(70_000)}`])).toThrow(BodyProblem)
    expect(masked('')).toBe('')
    expect(masked(' \n')).toBe(' \n')
  })

  it('redacts a string that is too long to be looked at, and holds no more of it', () => {
    const long = 'x'.repeat(LONGEST_VALUE + 1)
    const text = Buffer.from(`{"a":"${long}","b":"4111111111111111"}`)
    const hidden = '{"a":"⟦m:card⟧","b":"⟦m:card⟧"}'
    expect(through(body(), [text])).toBe(hidden)
    const pieces = Array.from({ length: Math.ceil(text.length / 65_536) }, (_, i) =>
      text.subarray(i * 65_536, (i + 1) * 65_536),
    )
    expect(through(body(), pieces)).toBe(hidden)
    expect(through(body(rulesOf({ gone: { names: ['a'] } })), pieces)).toBe(
      '{"a":null,"b":"⟦m:card⟧"}',
    )
    expect(through(body(rulesOf({ gone: { names: ['z'] } }, [])), pieces)).toContain('⟦m:card⟧')
    expect(through(body(rulesOf({}, [])), pieces)).toBe(text.toString())
  })

  it('counts what it hid, by class', () => {
    const values = new Values(rulesOf({ 'secret-name': { names: ['name'] } }))
    through(new JsonBody(values), [
      '{"name":"A","b":["4111111111111111",4111111111111111],"name":{}}',
    ])
    const found = new Map<string, number>()
    values.close(found)
    expect(Object.fromEntries(found)).toEqual({ 'secret-name': 2, card: 2 })
  })

  it('never lets a card number through, wherever it stands and however the text is cut', () => {
    const card = '4111111111111111'
    const place = fc.constantFrom(
      card,
      ` ${card}`,
      '4111 1111 1111 1111',
      '4111-1111-1111-1111',
      `a ${card}, b`,
      `{"x":"${card}"}`,
    )
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { maxDepth: 3 },
        place,
        fc.constant(Number(card)),
        fc.string(),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.string({ maxLength: 5 }), tie('any'), { maxKeys: 3 }),
        fc.dictionary(place, tie('any'), { maxKeys: 2 }),
      ),
    })).any
    const everything = fc.tuple(value, fc.array(fc.nat(), { maxLength: 4 }), fc.nat(4))
    fc.assert(
      fc.property(everything, ([what, cuts, spaces]) => {
        const text = Buffer.from(JSON.stringify(what, null, spaces))
        const at = [
          0,
          ...cuts.map(each => each % (text.length + 1)).sort((a, b) => a - b),
          text.length,
        ]
        const pieces = at.slice(1).map((to, i) => text.subarray(at[i], to))
        const out = through(body(), pieces)
        expect(out).toBe(through(body(), [text]))
        expect(out).not.toMatch(/4111[ -]?1111[ -]?1111[ -]?1111/)
        JSON.parse(out)
      }),
      { numRuns: 500 },
    )
  })

  it('changes nothing but what is hidden', () => {
    const rules = rulesOf({ 'secret-name': { names: ['hide'] } }, [])
    const hide = (what: unknown): unknown =>
      Array.isArray(what)
        ? what.map(hide)
        : typeof what === 'object' && what !== null
          ? Object.fromEntries(
              Object.entries(what).map(([name, value]) => [
                name,
                name === 'hide'
                  ? typeof value === 'string'
                    ? '⟦m:secret-name⟧'
                    : null
                  : hide(value),
              ]),
            )
          : what
    const name = fc.constantFrom('hide', 'a', 'b', 'c')
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.boolean(),
        fc.array(tie('any'), { maxLength: 4 }),
        fc.dictionary(name, tie('any'), { maxKeys: 4, noNullPrototype: true }),
      ),
    })).any
    fc.assert(
      fc.property(value, what => {
        expect(JSON.parse(through(body(rules), [JSON.stringify(what)]))).toEqual(hide(what))
      }),
      { numRuns: 500 },
    )
  })

  it('hides the same in the second object of a kind, whose names are expected', () => {
    const rules = rulesOf({ 'secret-name': { names: ['full_name'], pointers: ['/2/b/c'] } })
    const one =
      '{"ssn":"536224179","a":"x","b":{"a":[1,{"full_name":"Ann","c":"Bo"}],"c":"Cy"},"a":null}'
    const [first, second, third] = JSON.parse(masked(`[${one},${one},${one}]`, rules))
    expect(first).toEqual(second)
    expect(first.ssn).toBe('⟦m:ssn⟧')
    expect(first.b).toEqual({ a: [1, { full_name: '⟦m:secret-name⟧', c: 'Bo' }], c: 'Cy' })
    expect(third.b.c).toBe('⟦m:secret-name⟧')
    // A name that stands behind itself is the one that its value goes by.
    expect(masked('[{"ssn":1},{"ssn":536224179},{"ssn":[536224179]}]')).toBe(
      '[{"ssn":1},{"ssn":null},{"ssn":[null]}]',
    )
    const fields = rulesOf({ 'secret-name': { names: ['hide'] } }, [])
    expect(masked('[{"a":"1","b":"{\\"hide\\":1}"},{"a":2,"b":" {\\"hide\\":1}"}]', fields)).toBe(
      '[{"a":"1","b":"{\\"hide\\":null}"},{"a":2,"b":" {\\"hide\\":null}"}]',
    )
  })

  it('costs linear time, whatever it holds', () => {
    const big = 200_000
    const texts = [
      `["${'\\u0034'.repeat(big / 6)}"]`,
      `[${'1,'.repeat(big / 2)}1]`,
      `["${'4111 '.repeat(big / 5)}"]`,
      `["${'{"a":'.repeat(big / 5).replaceAll('"', '\\"')}"]`,
      `{${Array.from({ length: big / 20 }, (_, i) => `"a@b${i}":"{[\\"`).join('",')}"}`,
      `["${'@'.repeat(big)}"]`,
    ]
    for (const text of texts) {
      const began = process.cpuUsage()
      through(body(), [text])
      expect(process.cpuUsage(began).user, text.slice(0, 20)).toBeLessThan(1_500_000)
    }
  })
})
