import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { fc } from '../../../test/property.ts'
import { readWords } from './words.ts'

/** What a shell makes of the text, as the arguments of printf. */
function asRead(shell: string, command: string): string[] {
  const out = execFileSync(shell, ['-c', `printf '%s\\0' ${command}`], {
    cwd: '/proc/self', // files that a glob could match
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return out.toString('utf8').split('\0').slice(0, -1)
}

describe('the words of a command', () => {
  it.each([
    ['uptime', ['uptime']],
    ['  ls   -la /var/log ', ['ls', '-la', '/var/log']],
    [`grep 'a b' "c d" e'f'g`, ['grep', 'a b', 'c d', 'efg']],
    [`printf ''`, ['printf', '']],
    ["git-upload-pack '/srv/a.git'", ['git-upload-pack', '/srv/a.git']],
    [
      'rsync --server -vlogDtpre.iLsfxCIvu . /srv/',
      ['rsync', '--server', '-vlogDtpre.iLsfxCIvu', '.', '/srv/'],
    ],
  ])('%s', (command, words) => {
    expect(readWords(command)).toEqual(words)
  })

  it.each([
    'a; b',
    'a && b',
    'a | b',
    'a > b',
    'a < b',
    'a &',
    'a\nb',
    'a\tb',
    'a\rb',
    '$(a)',
    '`a`',
    'a $HOME',
    'a "$b"',
    'a "`b`"',
    'a *',
    'a ?',
    'a [b]',
    'a {b,c}',
    '~/a',
    'a ~root',
    'a # b',
    'A=b c',
    "'A=b' c",
    '(a)',
    '! a',
    'a \\b',
    'a "\\$b"',
    'a "b!c"',
    "a 'b",
    'a "b',
    '',
    '   ',
    "''",
    '""  a',
    'a \u2028b',
    'a \u0000b',
    'a ^b',
    'äpfel',
    '\u00a0a',
    'a <(b)',
    'a 2>&1',
    "'a b' c",
    'a=b',
    'PATH+=:/tmp ls',
    // zsh: the path of a program; tcsh: the directory stack; a job
    'a =ls',
    'a =1',
    '%1',
    'a %1',
    // zsh: runs the word behind it
    '- ls',
    'noglob ls',
    // csh: arithmetic, a label
    '@ a',
    'label: ls',
    // fish reads a backslash between single quotes, csh an exclamation mark
    String.raw`ls 'a\' 'b; rm -rf c'`,
    "a 'b!c'",
    ...['if', 'time', 'while', 'function', 'coproc', 'and', 'not', 'repeat', 'foreach'].flatMap(
      word => [`${word} true`, `'${word}' true`],
    ),
  ])('%j is more than one plain command', command => {
    expect(readWords(command)).toBeUndefined()
  })

  it('are what sh and bash make of it, whatever is accepted', () => {
    const piece = fc.constantFrom(
      'a',
      '-b',
      '/c',
      '.',
      '=',
      ':',
      '%',
      '@',
      '+',
      ',',
      ' ',
      '  ',
      "'",
      '"',
      "'x y'",
      '"x y"',
      '~',
      '$a',
      '*',
      '\\',
      '#',
      '{a,b}',
      '!',
      '^',
      'é',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), pieces => {
        const command = pieces.join('')
        const words = readWords(command)
        if (words === undefined) return
        expect(asRead('/bin/sh', command)).toEqual(words)
        expect(asRead('/bin/bash', command)).toEqual(words)
      }),
      { numRuns: 400 },
    )
  })
})
