// Whether a detector of the configuration holds: it compiles, it is bounded, and it sees in its examples what
// its author says. Whoever reads configuration asks here, and says the file and the line.
import { Buffer } from 'node:buffer'
import type { DetectorSettings } from '#model'
import { detectors } from '../detectors.ts'
import { createFinder } from '../finder.ts'
import { demandOf } from './demand.ts'
import {
  createPatternDetector,
  LONGEST,
  type PatternDetector,
  type PatternEngine,
} from './pattern-detector.ts'

/** What is wrong with a detector, and at which of its settings. */
export interface DetectorProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
  readonly severity: 'error' | 'warning'
}

/** What a reader of configuration must know of detectors. */
export interface DetectorRules {
  /** The names that are taken. */
  readonly names: readonly string[]
  check(settings: DetectorSettings): readonly DetectorProblem[]
}

/** `engine` is asked for only when there is a pattern to compile. */
export function detectorRules(engine: () => PatternEngine): DetectorRules {
  return { names: [...detectors.keys()], check: settings => check(settings, engine()) }
}

function check(settings: DetectorSettings, engine: PatternEngine): readonly DetectorProblem[] {
  const error = (key: string, message: string): readonly DetectorProblem[] => [
    { path: [key], message, severity: 'error' },
  ]
  const { pattern, ignoreCase } = settings
  if (isAnchored(pattern)) {
    const instead = settings.boundary ? '' : '; "boundary: true" keeps letters and digits off it'
    return error(
      'pattern',
      `a value is looked for anywhere in a text: leave out ^, $, \\A, \\z and \\B${instead}`,
    )
  }
  let detector: PatternDetector
  try {
    const { groups, scan } = engine.compile(pattern, ignoreCase)
    if (groups > 1)
      return error('pattern', 'may have one group, which holds the value; write others as (?:...)')
    let empty = false
    scan(new Uint8Array(0), 0, 0, false, () => {
      empty = true
      return false
    })
    if (empty) return error('pattern', 'matches the empty text')
    detector = createPatternDetector(settings, engine)
  } catch (cause) {
    // The problem is the answer: whoever asked refuses the configuration.
    const reason = cause instanceof Error ? cause.message : 'it cannot be read'
    return error('pattern', `is not in RE2's syntax: ${reason}`)
  }
  const { longest } = demandOf(pattern, ignoreCase)
  if (longest === 0) return error('pattern', 'matches the empty text')
  if (longest > LONGEST && Number.isFinite(longest)) {
    return error('pattern', `can match ${longest} bytes: ${LONGEST} are the most`)
  }
  const finder = createFinder([detector])
  const finds = (text: string) => {
    const bytes = Buffer.from(text)
    return finder(bytes, 0, bytes.length)
  }
  const problems = [
    ...settings.match.map((text, index) => ({ text, index, key: 'match', found: true })),
    ...settings.mustNotMatch.map((text, index) => ({
      text,
      index,
      key: 'mustNotMatch',
      found: false,
    })),
  ].flatMap(({ text, index, key, found }): DetectorProblem[] =>
    finds(text) === found
      ? []
      : [
          {
            path: [key, index],
            message: found
              ? `the detector finds nothing in this text${whyNot(settings)}`
              : 'the detector finds something in this text',
            severity: 'error',
          },
        ],
  )
  if (!detector.slow) return problems
  const message =
    'has no fixed text or row of classes that every match must hold, so every value is read by the slow engine'
  return [...problems, { path: ['pattern'], message, severity: 'warning' }]
}

function whyNot({ context, checksum, boundary }: DetectorSettings): string {
  const wanted = [
    context.length > 0 ? `one of its context words near (${context.join(', ')})` : '',
    checksum === undefined ? '' : `a value whose ${checksum} check holds`,
    boundary ? 'no letter or digit that touches it' : '',
  ].filter(each => each !== '')
  return wanted.length === 0 ? '' : `: besides the pattern it wants ${wanted.join(', and ')}`
}

/** True when a `^`, `$`, `\A`, `\z` or `\B` stands outside of brackets: they ask what a stretch cannot tell. */
function isAnchored(pattern: string): boolean {
  return /[$^]|\\[ABz]/.test(
    pattern.replace(/\\[^ABz]/g, '').replace(/\[\^?\]?(?:\[:\^?\w+:\]|[^\]])*\]/g, ''),
  )
}
