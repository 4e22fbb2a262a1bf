import { beforeAll, describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { type Explanation, loadExplainer } from './index.ts'

let explain: (text: string) => Explanation
beforeAll(async () => {
  explain = await loadExplainer()
})

const programs = (text: string) => explain(text).commands.map(({ program }) => program)
const notes = (text: string, program: string) =>
  explain(text)
    .commands.find(each => each.program === program)
    ?.notes.join('; ')

describe('an explanation of a command', () => {
  it('names each program that would run, wherever it stands', () => {
    expect(programs('cat /etc/passwd | grep root; uptime')).toEqual(['cat', 'grep', 'uptime'])
    expect(
      programs('echo $(id `who`) "at $(date)" && rm -rf *.log || { logger no; exit 1; }'),
    ).toEqual(['echo', 'id', 'who', 'date', 'rm', 'logger', 'exit'])
    expect(programs('for i in $(ls); do scp $i host:; done')).toEqual(['ls', 'scp'])
    expect(programs('diff <(sort a) <(sort b)')).toEqual(['diff', 'sort', 'sort'])
    expect(programs('if [ -f x ]; then "touch" y; fi')).toEqual(['[', 'touch'])
  })

  it('says how they hang together', () => {
    const text =
      'A=1 sudo cat x* $HOME 2>&1 | tee -a /etc/hosts > /tmp/log & true && ! false || (uptime)'
    expect(notes(text, 'sudo')).toMatch(
      /what it prints goes to the next.*with A=1|may run what its words name/,
    )
    expect(notes(text, 'sudo')).toMatch(/filled in when it runs.*stand for files/)
    expect(notes(text, 'tee')).toMatch(/reads what the one before prints/)
    expect(notes(text, 'tee')).toContain('writes the file /tmp/log (>)')
    expect(notes(text, 'uptime')).toMatch(/only if the one before fails.*a shell of its own/)
    expect(notes('sleep 9 & id', 'sleep')).toBe('in the background (&)')
    expect(notes('sort < a >> b', 'sort')).toBe(
      'reads the file a (<); writes at the end of the file b (>>)',
    )
    expect(notes('echo $(id)', 'id')).toMatch(/for echo.*becomes a part of another command/)
    expect(notes('cat <<E\n$(id)\nE\n', 'id')).toMatch(/for a redirection/)
  })

  it('says of a computed name that it may be anything, and never makes one up', () => {
    for (const text of ['$X a', '"$X" a', "l's' a", 'r\\m a', '~/bin/x a', '$(echo rm) a']) {
      const [first] = explain(text).commands
      expect([text, first?.program, first?.notes.join()]).toEqual([
        text,
        undefined,
        expect.stringContaining('may be any program'),
      ])
    }
  })

  it('says when parts of it do not read as a command', () => {
    expect(explain('uptime').hasError).toBe(false)
    for (const text of ['echo ((', 'if true; then', 'a "b', ')('])
      expect(explain(text).hasError, text).toBe(true)
  })

  it('is bounded, whatever the text', () => {
    const many = explain('a;'.repeat(4_000))
    expect([many.commands.length, many.cut]).toEqual([100, true])
    expect(explain(`${'$('.repeat(4_000)}id`).hasError).toBe(true)
    expect(explain(`${'$(a '.repeat(300)}id${')'.repeat(300)}`).cut).toBe(true)
    expect(explain(' '.repeat(20_000)).cut).toBe(true)
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            ...'$(){}[]<>|&;`"\'\\\n a=!*#'.split(''),
            'if ',
            'do ',
            '<<A\n',
            'case ',
            'é',
          ),
          { maxLength: 40 },
        ),
        parts => {
          expect(explain(parts.join('')).commands.length).toBeLessThanOrEqual(100)
        },
      ),
    )
  })
})
