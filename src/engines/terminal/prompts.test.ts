import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { PromptReader } from './prompts.ts'

/** What is read of pieces of output; a pair is another size. */
function read(pieces: readonly (string | readonly [number, number])[]): string[] {
  const reader = new PromptReader()
  pieces.forEach((piece, at) => {
    if (typeof piece === 'string') reader.read({ kind: 'text', at, text: piece })
    else reader.read({ kind: 'size', at, size: { columns: piece[0], rows: piece[1] } })
  })
  return reader.commands.map(({ text }) => text)
}
const typed = (text: string): string[] => [...text]
const prompt = '\u001b[1;32mana@web-1\u001b[0m:~$ '

describe('commands as read from the screen', () => {
  it('are what stood behind a prompt when its line was left', () => {
    expect(
      read([prompt, ...typed('ls -l'), '\r\n', 'a file\r\n', prompt, ...typed('exit'), '\r\n']),
    ).toEqual(['ls -l', 'exit'])
  })

  it('have the time when their line was left', () => {
    const reader = new PromptReader()
    const say = (at: number, text: string) => reader.read({ kind: 'text', at, text })
    say(1_000, '# ')
    say(2_000, 'id')
    say(3_000, '\r\nuid=0\r\n# ')
    expect(reader.commands).toEqual([{ at: 3_000, text: 'id' }])
  })

  it('are what was left of them: letters taken back, lines of the history, a line redrawn', () => {
    expect(
      read([
        prompt,
        ...typed('lx'),
        '\b\u001b[K',
        's',
        '\r\n',
        prompt,
        'make all',
        '\b\b\b\u001b[Ktest',
        '\r\n',
      ]),
    ).toEqual(['ls', 'make test'])
    expect(read([prompt, 'old', `\r\u001b[K${prompt}git push`, '\r\n'])).toEqual(['git push'])
    expect(read([prompt, ...typed('rm -rf /'), '^C\r\n', prompt])).toEqual([])
  })

  it('may be longer than the screen is wide, and the screen may change', () => {
    const long = `echo ${'x'.repeat(150)}`
    expect(
      read([[60, 10], prompt, ...typed(long), '\r\n', 'x\r\n', [100, 30], prompt, 'pwd', '\r\n']),
    ).toEqual([long, 'pwd'])
  })

  it('are found also when the screen scrolls, and when they were typed before their prompt came', () => {
    const lines = Array.from({ length: 300 }, (_, at) => `line ${at}\r\n`)
    expect(
      read([prompt, 'seq 300', '\r\n', ...lines, prompt, 'next', '\r\n', `${prompt}ahead\r\n`]),
    ).toEqual(['seq 300', 'next', 'ahead'])
  })

  it('are not what editors show, what has no echo, or what a program prints', () => {
    expect(
      read([
        prompt,
        'vi notes',
        '\r\n',
        '\u001b[?1049h\u001b[2J\u001b[H$ not typed',
        '\r\n',
        '\u001b[?1049l',
        prompt,
        'sudo id',
        '\r\n',
        'Password: ',
        '\r\n',
        'cost: 5$ each\r\n',
        prompt,
      ]),
    ).toEqual(['vi notes', 'sudo id'])
  })

  it('are what programs with prompts of their own were told', () => {
    expect(
      read([
        prompt,
        'psql',
        '\r\n',
        'shop=> ',
        'select 1;',
        '\r\n',
        ' 1\r\n',
        'shop=> ',
        '\\q',
        '\r\n',
      ]),
    ).toEqual(['psql', 'select 1;', '\\q'])
  })

  it('are bounded, and nothing that a host sends breaks the reading', () => {
    const reader = new PromptReader()
    for (let at = 0; at < 5_010; at += 1) {
      reader.read({ kind: 'text', at, text: '$ ' })
      reader.read({ kind: 'text', at, text: 'y\r\n' })
    }
    expect([reader.commands.length, reader.full]).toEqual([5_000, true])
    const moves = fc.oneof(
      fc.string(),
      fc.constantFrom(
        '\r\n',
        '$ ',
        '\u001b[1J',
        '\u001b[2J',
        '\u001b[99;999H',
        '\u001b[?1049h',
        '\u001b[?1049l',
        '\u001b[1;2r',
        '\u001bM',
        '\u001bc',
        '\u001b[S',
        '\u001b[M',
        '\u001b[9T',
      ),
      fc.tuple(fc.nat(40), fc.nat(12)),
    )
    fc.assert(fc.property(fc.array(moves, { maxLength: 60 }), pieces => void read(pieces)))
  })
})
