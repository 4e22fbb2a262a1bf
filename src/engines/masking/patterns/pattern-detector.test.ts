// Patterns of the configuration: what they find, that reading only stretches finds all of it, and what they cost
// on texts made to be slow.

import { Buffer } from 'node:buffer'
import { RE2JS } from 're2js'
import { describe, expect, it } from 'vitest'
import type { DetectorSettings } from '#model'
import { leastCpuMs } from '../../../../test/cpu.ts'
import { fc } from '../../../../test/property.ts'
import { patternEngine } from '../../../config/pattern-engine.ts'
import { createFinder, lastFindings } from '../finder.ts'
import { createMasking } from '../masking.ts'
import { demandOf } from './demand.ts'
import { createPatternDetector } from './pattern-detector.ts'
import { detectorRules } from './rules.ts'

const settings = (pattern: string, more: Partial<DetectorSettings> = {}): DetectorSettings => ({
  name: 'own',
  pattern,
  ignoreCase: false,
  boundary: true,
  context: [],
  within: 40,
  match: [],
  mustNotMatch: [],
  ...more,
})

/** What the detector of these settings finds, as text. */
function found(text: string, ...[pattern, more]: Parameters<typeof settings>): string[] {
  const finder = createFinder([createPatternDetector(settings(pattern, more), patternEngine)])
  const bytes = Buffer.from(text)
  finder(bytes, 0, bytes.length)
  return Array.from({ length: lastFindings.count }, (_, i) =>
    bytes.toString('utf8', lastFindings.start[i], lastFindings.end[i]),
  )
}

const problems = (pattern: string, more: Partial<DetectorSettings> = {}) =>
  detectorRules(() => patternEngine)
    .check(settings(pattern, more))
    .map(({ path, message, severity }) => `${severity} ${path.join('.')}: ${message}`)

describe('a pattern of one’s own', () => {
  it.each<[string, string[], string, Partial<DetectorSettings>?]>([
    ['id EMP-123456, EMP-654321', ['EMP-123456', 'EMP-654321'], 'EMP-\\d{6}'],
    ['EMP-123456,EMP-654321', ['EMP-123456', 'EMP-654321'], 'EMP-\\d{6}'],
    ['XEMP-123456 EMP-1234567', [], 'EMP-\\d{6}'],
    ['XEMP-1234567', ['EMP-123456'], 'EMP-\\d{6}', { boundary: false }],
    ['éEMP-123456字', ['EMP-123456'], 'EMP-\\d{6}'],
    ['#1##22#', ['#1#', '#22#'], '#\\d{1,9}#'],
    ['éEMP-123456é', ['éEMP-123456é'], 'éEMP-\\d+é'],
    ['x_EMP-123456', ['EMP-123456'], 'EMP-\\d{6}'],
    ['emp-123456', ['emp-123456'], 'EMP-\\d{6}', { ignoreCase: true }],
    ['das Kennzeichen MÜ-AB 123 dort', ['MÜ-AB 123'], '[A-ZÄÖÜ]{1,3}-[A-Z]{1,2} \\d{1,4}'],
    ['badge=123456 id=654321', ['123456'], 'badge=(\\d{6})'],
    ['a 12345678 b 123456789', ['12345678'], '\\d{8}'],
    ['the badge 123456', ['123456'], '\\d{6}', { context: ['badge'] }],
    ['123456 is my badge', ['123456'], '\\d{6}', { context: ['badge'] }],
    ['{"badgeNumber":"123456"}', ['123456'], '\\d{6}', { context: ['badge'] }],
    ['the order 123456', [], '\\d{6}', { context: ['badge'] }],
    [`badge ${'.'.repeat(60)} 123456`, [], '\\d{6}', { context: ['badge'] }],
    [`badge ${'.'.repeat(60)} 123456`, ['123456'], '\\d{6}', { context: ['badge'], within: 80 }],
    ['79927398713 79927398710', ['79927398713'], '\\d{11}', { checksum: 'luhn' }],
    ['tok_abc-def, tok_ghi', ['tok_abc-def', 'tok_ghi'], 'tok_[a-z-]+'],
  ])('finds in «%s» %j', (text, expected, pattern, more) => {
    expect(found(text, pattern, more)).toEqual(expected)
  })

  it('finds every value wherever it stands in a long text', () => {
    for (let pad = 0; pad < 5000; pad += 61) {
      const text = `${'EMP- '.repeat(pad / 5)}EMP-123456${' EMP-x'.repeat(40)} EMP-654321`
      expect(found(text, 'EMP-\\d{6}')).toEqual(['EMP-123456', 'EMP-654321'])
    }
  })

  it('hides a value without a bound to where it ends', () => {
    const value = `tok_${'a'.repeat(5000)}`
    expect(found(`see ${value} here`, 'tok_[a-z]+')).toEqual([value])
    expect(found(`see ${value.slice(4)}_tok here`, '[a-z]+_tok')).toEqual([`${value.slice(4)}_tok`])
  })

  it('masks as its class says, in texts and in whole values', () => {
    const masking = createMasking({
      classes: [
        {
          name: 'employee',
          columns: [],
          detect: 'own',
          mask: { keep: { first: 0, last: 3 }, with: '#' },
        },
      ],
      tokenKey: new Uint8Array(32),
      detectors: [createPatternDetector(settings('EMP-\\d{6}'), patternEngine)],
    })
    expect(masking.scrub('Key (id)=(EMP-123456) exists', ['employee'])).toBe(
      'Key (id)=(########456) exists',
    )
    expect(masking.scrub('{"id":["EMP-123456",7]}', ['employee'])).toBe('{"id":["########456",7]}')
  })
})

/** A part of a pattern with a text that it matches. */
type Part = readonly [pattern: string, sample: string]
// Every kind of part that the reader knows, and some that it does not.
const atom = fc.constantFrom<Part[]>(
  ...([
    ['a', 'a'],
    ['EMP', 'EMP'],
    ['k', '\u212a'],
    ['s', 'ſ'],
    ['K', 'k'],
    ['-', '-'],
    ['\\d', '7'],
    ['\\w', '_'],
    ['\\s', ' '],
    ['.', '字'],
    ['[a-c]', 'b'],
    ['[^a]', 'é'],
    ['[K-S]', 'S'],
    ['[0-9-]', '-'],
    ['[[:upper:]]', 'A'],
    ['\\x41', 'A'],
    ['é', 'é'],
    ['[é-ü]', 'ö'],
    ['\\.', '.'],
    ['\\b', ''],
    ['\\D', '!'],
    ['(?:ab|c)', 'ab'],
    ['[]a]', ']'],
    ['\\pL', 'ж'],
    ['\\Qa.\\E', 'a.'],
  ] as const satisfies readonly Part[]),
)
const quantifier = fc.constantFrom<[string, number]>(
  ...([
    ['', 1],
    ['', 1],
    ['', 1],
    ['*', 2],
    ['*', 0],
    ['+', 3],
    ['?', 0],
    ['{2}', 2],
    ['{1,3}', 3],
    ['{2,}', 4],
    ['{20}', 20],
    ['+?', 1],
  ] as [string, number][]),
)
const row = fc
  .array(fc.tuple(atom, quantifier), { minLength: 1, maxLength: 6 })
  .map(
    (parts): Part => [
      parts
        .map(([[part], [times]]) =>
          part === '\\b' || part.startsWith('\\Q') ? part : part + times,
        )
        .join(''),
      parts
        .map(([[part, sample], [, times]]) =>
          part.startsWith('\\Q') ? sample : sample.repeat(times),
        )
        .join(''),
    ],
  )
const patternText = fc.oneof(
  row,
  fc.tuple(row, row).map(([a, b]): Part => [`${a[0]}|${b[0]}`, b[1]]),
  fc.tuple(row, row, row).map(([a, b, c]): Part => [`${a[0]}(?:${b[0]}|${c[0]})`, a[1] + c[1]]),
  fc.tuple(row, row).map(([a, b]): Part => [`(?:${a[0]}){2}${b[0]}`, a[1] + a[1] + b[1]]),
)
const text = fc
  .array(
    fc.constantFrom(
      'a',
      'b',
      'k',
      's',
      'K',
      'EMP',
      '-',
      ' ',
      '0',
      '77',
      '.',
      'é',
      'ſ',
      '\u212a',
      '!',
    ),
    { maxLength: 20 },
  )
  .map(parts => parts.join(''))

describe('what a pattern demands', () => {
  it('stands in every match that the engine finds', () => {
    let judged = 0
    fc.assert(
      fc.property(
        patternText,
        text,
        text,
        fc.boolean(),
        ([pattern, sample], before, behind, ignoreCase) => {
          const { longest, wanted } = demandOf(pattern, ignoreCase)
          const matcher = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0).matcher(
            before + sample + behind,
          )
          while (matcher.find()) {
            const match = Buffer.from(matcher.group() ?? '')
            expect(match.length).toBeLessThanOrEqual(longest)
            if (wanted === undefined) continue
            judged++
            const stands = wanted.some(({ row }) =>
              [...match.keys()].some(at =>
                row.every((set, i) => set[match[at + i] ?? 0] === 1 && at + i < match.length),
              ),
            )
            expect({ pattern, match: match.toString(), stands }).toMatchObject({ stands: true })
          }
        },
      ),
      { numRuns: 4000 },
    )
    expect(judged).toBeGreaterThan(500)
  })

  it('finds the same in stretches as the engine in the whole text', () => {
    let judged = 0
    fc.assert(
      fc.property(
        patternText,
        fc.array(text, { minLength: 1, maxLength: 40 }),
        fc.boolean(),
        ([pattern, sample], texts, boundary) => {
          const { longest } = demandOf(pattern, false)
          // At the edge of a stretch a word boundary is seen that is none.
          if (!boundary && pattern.includes('\\b')) return
          if (longest > 1024 || problems(pattern).some(each => each.startsWith('error'))) return
          const whole = texts.join(` ${sample} `)
          const bytes = Buffer.from(whole)
          const expected: string[] = []
          const edged = boundary
            ? `(?:^|[^0-9A-Za-z])(${pattern})(?:[^0-9A-Za-z]|$)`
            : `(${pattern})`
          patternEngine.compile(edged, false).scan(bytes, 1, 1, boundary, (start, end) => {
            if (start < end) expected.push(bytes.toString('utf8', start, end))
            return true
          })
          // More values than that in a text are hidden together with what is between them.
          if (expected.length > whole.length / 8) return
          judged++
          expect(found(whole, pattern, { boundary })).toEqual(expected)
        },
      ),
      { numRuns: 3000 },
    )
    expect(judged).toBeGreaterThan(100)
  })
})

describe('a pattern that does not hold', () => {
  it.each([
    ['EMP(', /^error pattern: is not in RE2's syntax/],
    ['(a)\\1', /^error pattern: is not in RE2's syntax/],
    ['(?=a)a', /^error pattern: is not in RE2's syntax/],
    ['(a)(b)', /^error pattern: may have one group/],
    ['a*', /^error pattern: matches the empty text/],
    ['\\b', /^error pattern: matches the empty text/],
    ['^EMP', /^error pattern: .* leave out \^/],
    ['EMP\\B', /^error pattern: .* leave out \^/],
    ['EMP\\z', /^error pattern: .* leave out \^/],
    ['[a-z]{900}[0-9]{900}', /^error pattern: can match 1800 bytes/],
    ['(?:(?:a{100}){100}){100}', /^error pattern: is not in RE2's syntax/],
    ['\\w+', /^warning pattern: .*slow engine/],
    ['[a-z]{3}', /^warning pattern: .*slow engine/],
  ])('%s is told', (pattern, expected) => {
    expect(problems(pattern)).toEqual([expect.stringMatching(expected)])
  })

  it('is one that misses what it must find, or finds what it must not', () => {
    expect(
      problems('EMP-\\d{6}', {
        match: ['EMP-123456', 'EMP-12'],
        mustNotMatch: ['XEMP-1234567', 'EMP-000000'],
        context: [],
      }),
    ).toEqual([
      'error match.1: the detector finds nothing in this text: besides the pattern it wants no letter or digit that touches it',
      'error mustNotMatch.1: the detector finds something in this text',
    ])
  })

  it.each(['EMP-\\d{6}', '[$^]-\\d{4}', '\\$\\d{6}', '\\^[a-f]{8}'])('is not %s', pattern => {
    expect(problems(pattern)).toEqual([])
  })
})

describe('a text that is made to be slow', () => {
  it.each([
    ['EMP-\\d{6}', 'EMP-'],
    ['EMP-\\d{6}', 'EMP-12345'],
    ['[a-z]+-EMP', 'a'],
    ['[a-z]+-EMP', 'a-EM'],
    ['tok_[a-z]*[0-9]', 'tok_aaaa'],
    ['\\w+', 'a '],
    ['(?:a+a+)+b{4}', 'aaaa'],
    ['a.*b|a', 'a '],
  ])('%s on %s… takes time in proportion', (pattern, piece) => {
    const finder = createFinder([createPatternDetector(settings(pattern), patternEngine)])
    /** Microseconds per byte; tried again while they are not under `most`. */
    const timed = (bytes: number, most = Number.POSITIVE_INFINITY) => {
      const src = Buffer.from(piece.repeat(Math.ceil(bytes / piece.length)))
      const ms = leastCpuMs(() => finder(src, 0, src.length), (most * src.length) / 1_000)
      return (ms * 1_000) / src.length
    }
    timed(50_000)
    // A quadratic search would take sixteen times as many.
    const most = Math.max(timed(50_000) * 5, 0.5)
    expect(timed(800_000, most)).toBeLessThan(most)
  })
})
