import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { readMultipart } from './multipart.ts'

const TYPE = 'multipart/form-data; boundary=b0'
const read = (text: string, type = TYPE) => readMultipart(Buffer.from(text, 'latin1'), type)
const field = (name: string, value: string) =>
  `--b0\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
const file = (name: string, value: string) =>
  `--b0\r\nContent-Disposition: form-data; name="${name}"; filename="f"\r\nContent-Type: image/png\r\n\r\n${value}\r\n`

describe('a multipart form', () => {
  it('is texts by name, and files', () => {
    const form = read(
      `${field('amount', '5')}${file('photo', '\x89PNG\r\n')}${field('amount', '')}--b0--\r\n`,
    )
    expect(Object.fromEntries(form?.texts ?? [])).toEqual({ amount: ['5', ''] })
    expect([...(form?.files ?? [])]).toEqual(['photo'])
    expect(read('--b0--')?.texts.size).toBe(0)
    expect(
      read(`${field('a', '1')}--b0--`, 'Multipart/Form-Data; boundary="b0"')?.texts.get('a'),
    ).toEqual(['1'])
    expect(read('{}', 'application/json')).toBeUndefined()
  })

  it('as clients write it is read', async () => {
    const form = new FormData()
    form.set('amount', '5')
    form.set('note', 'two\r\nlines é')
    form.set('photo', new Blob(['x'], { type: 'image/png' }), 'p.png')
    const made = new Response(form)
    const bytes = Buffer.from(await made.arrayBuffer())
    const found = readMultipart(bytes, made.headers.get('content-type') ?? '')
    expect(found?.texts.get('note')).toEqual(['two\r\nlines é'])
    expect([...(found?.files ?? [])]).toEqual(['photo'])
  })

  it.each([
    ['a preamble', `x\r\n${field('a', '1')}--b0--`],
    ['an epilogue', `${field('a', '1')}--b0--\r\n${field('a', '2')}`],
    ['no end', field('a', '1')],
    ['a boundary behind LF alone', `${field('a', '1\n--b0')}--b0--`],
    ['a boundary within a line', `${field('a', 'x--b0y')}--b0--`],
    ['a boundary with a tail', `${field('a', '1')}--b0x\r\n${field('a', '2')}--b0--`],
    [
      'blanks behind a boundary',
      `--b0 \r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--b0--`,
    ],
    ['LF in a head', '--b0\r\nContent-Disposition: form-data; name="a"\n\r\n\r\n1\r\n--b0--'],
    ['a folded head', '--b0\r\nContent-Disposition: form-data;\r\n name="a"\r\n\r\n1\r\n--b0--'],
    ['two names', '--b0\r\nContent-Disposition: form-data; name="a"; name="b"\r\n\r\n1\r\n--b0--'],
    [
      'two dispositions',
      '--b0\r\nContent-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"\r\n\r\n1\r\n--b0--',
    ],
    [
      'an extended name',
      `--b0\r\nContent-Disposition: form-data; name*=utf-8''a\r\n\r\n1\r\n--b0--`,
    ],
    ['an escaped name', `${field('a%22', '1')}--b0--`],
    ['an unquoted name', '--b0\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--b0--'],
    [
      'a transfer encoding',
      '--b0\r\nContent-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64\r\n\r\nMQ==\r\n--b0--',
    ],
    [
      'another charset',
      '--b0\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=utf-16\r\n\r\n1\r\n--b0--',
    ],
    ['a part without a head', '--b0\r\n\r\n1\r\n--b0--'],
    ['what is not UTF-8', `${field('a', '\xff')}--b0--`],
    ['too many parts', `${field('a', '1').repeat(201)}--b0--`],
  ])('with %s is refused', (_name, text) => {
    expect(() => read(text)).toThrow('in one way only')
  })

  it('whose boundary cannot be told is refused', () => {
    for (const type of [
      'multipart/form-data',
      `${TYPE}; boundary=c`,
      'multipart/form-data; boundary=""',
      'multipart/form-data; boundary="a b"',
    ])
      expect(() => read('--b0--', type), type).toThrow('in one way only')
  })

  it('gives back each value as it was put in, whatever is in it', () => {
    const text = fc
      .string({ unit: 'grapheme', maxLength: 30 })
      .filter(each => !each.includes('--b0'))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 5 }), values => {
        const body = Buffer.from(`${values.map(each => field('a', each)).join('')}--b0--\r\n`)
        expect(readMultipart(body, TYPE)?.texts.get('a') ?? []).toEqual(values)
      }),
      { numRuns: 300 },
    )
  })
})
