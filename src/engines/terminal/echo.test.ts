import { Buffer } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { EchoedInput, type TypedPiece } from './echo.ts'

const bytes = (text: string) => Buffer.from(text, 'utf8')

/** `<` before what is typed, `>` before what is shown. */
function played(...said: string[]): string[] {
  const input = new EchoedInput()
  const all = said.flatMap((each, at) =>
    each.startsWith('<')
      ? input.typed(at, bytes(each.slice(1)))
      : input.shown(bytes(each.slice(1))),
  )
  return texts([...all, ...input.end()])
}
const texts = (pieces: readonly TypedPiece[]) =>
  pieces.map(piece => ('text' in piece ? piece.text : '(withheld)'))

describe('a line that is typed', () => {
  it('is kept once all of it was shown back, letter by letter or at once', () => {
    expect(played('<l', '>l', '<s', '>s', '<\r', '>\r\nfile\r\n$ ')).toEqual(['l', 's', '\r'])
    expect(played('<ls -la\r', '>ls -la\r\ntotal 0\r\n$ ')).toEqual(['ls -la\r'])
    expect(played('<größe €😀\r', '>größe €😀\r\n')).toEqual(['größe €😀\r'])
  })

  it('is not told before it is known: what was shown of it may be all that is', () => {
    const input = new EchoedInput()
    expect(input.typed(1, bytes('ls'))).toEqual([])
    expect(input.shown(bytes('l'))).toEqual([])
    expect(input.typed(2, bytes('\r'))).toEqual([])
    expect(input.shown(bytes('s\r\n'))).toEqual([
      { at: 1, text: 'ls' },
      { at: 2, text: '\r' },
    ])
  })

  it('at a prompt without echo is withheld, whatever is shown afterwards', () => {
    expect(played('>Password: ', '<hunter2\r', '>\r\nroot\r\n$ ')).toEqual(['(withheld)'])
    expect(played('>Password: ', '<h', '<u', '<n', '<\r', '>\r\n')).toEqual(['(withheld)'])
    expect(played('<hunter2\r', '>*', '>******\r\n')).toEqual(['(withheld)'])
    // The command runs without a word; what comes next is typed and shown.
    expect(played('<hunter2\r', '<ls\r', '>ls\r\nfile\r\n')).toEqual(['(withheld)', 'ls\r'])
  })

  it('is withheld whole where a part of it is not shown', () => {
    expect(played('<hunt', '>hunt', '<er2\r', '>\r\n')).toEqual(['(withheld)'])
    expect(played('<4111', '>4111', '<1111\r', '>****\r\n')).toEqual(['(withheld)'])
  })

  it('is withheld when the session ends before it is known', () => {
    expect(played('<hunter2')).toEqual(['(withheld)'])
    expect(played('<hunter2\r')).toEqual(['(withheld)'])
  })

  it('is kept with the keys that are no text, and what they do', () => {
    expect(played('<lx', '>lx', '<\x7f', '>\b \b', '<s', '>s', '<\r', '>\r\n')).toEqual([
      'lx',
      '\x7f',
      's',
      '\r',
    ])
    expect(played('<\x1b[A', '>ls', '<\r', '>\r\nfile')).toEqual(['\x1b[A', '\r'])
    expect(played('<cat /e', '>cat /e', '<\t', '>tc/', '<x\r', '>x\r\n')).toEqual([
      'cat /e',
      '\t',
      'x\r',
    ])
    expect(played('<\x03', '>^C\r\n$ ')).toEqual(['\x03'])
  })

  it('is kept where an editor of lines colours it, or writes it again', () => {
    expect(played('<ls', '>\x1b[32ml\x1b[0m', '>\b\x1b[1mls\x1b[0m', '<\r', '>\r\n')).toEqual([
      'ls',
      '\r',
    ])
    expect(played('<ab\r', '>\x1b]0;a title\x07a\x1b[', '>1mb\r\n')).toEqual(['ab\r'])
  })

  it('is withheld where letters come as sequences, as terminals can be told to send them', () => {
    for (const letter of ['\x1b[104u', '\x1b[27;5;104~', '\x1bh', '\x1b[0;35;104;1;0;1_'])
      expect(played(`<${letter}\r`, '>\r\n')).toEqual(['(withheld)'])
  })

  it('is withheld where it is no text', () => {
    const input = new EchoedInput()
    const typed = input.typed(1, Buffer.from([0x61, 0xff, 0x0d]))
    expect(texts([...typed, ...input.shown(Buffer.from([0x61, 0xff]))])).toEqual(['(withheld)'])
  })

  it('takes no more memory than a few lines, whoever types', () => {
    const input = new EchoedInput()
    let told = 0
    for (let at = 0; at < 3_000; at += 1) {
      told += input.typed(at, bytes('x'.repeat(1_000))).length
      told += input.typed(at, bytes('\r\r\r')).length
    }
    expect(told).toBeGreaterThan(8_000)
    expect(input.end().length).toBeLessThan(300)
  })
})

it('nothing is kept that was not shown, in that order, however it comes', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '\r', '\t', '\x1b[C') })
  const seen = fc.string({
    unit: fc.constantFrom('a', 'b', 'c', ' ', '\r\n', '\b', '\x1b[1D', '\x1b[m', '\x1b', '['),
  })
  const said = fc.array(fc.oneof(fc.record({ typed: letters }), fc.record({ shown: seen })))
  fc.assert(
    fc.property(said, all => {
      const input = new EchoedInput()
      const known = all.flatMap((each, at) =>
        'typed' in each ? input.typed(at, bytes(each.typed)) : input.shown(bytes(each.shown)),
      )
      const shown = all.map(each => ('shown' in each ? each.shown : '')).join('')
      const kept = texts([...known, ...input.end()]).filter(each => each !== '(withheld)')
      let from = 0
      for (const letter of kept.join('').replace(/\p{Cc}(?:\[C)?/gu, '')) {
        from = shown.indexOf(letter, from) + 1
        if (from === 0) return false
      }
      return true
    }),
  )
})
