// From the configured data classes to what is done with a cell. Decides nothing: who may see what is
// the policy's answer, and the caller brings it.
import { Buffer } from 'node:buffer'
import type { ColumnName, DataClass, Finding, MaskMethod } from '#model'
import { ConfigurationError } from '#model'
import { type Answer, takeUp } from './answer.ts'
import { createColumnPatterns } from './column-patterns.ts'
import type { Detector } from './detector.ts'
import { detectors } from './detectors.ts'
import { createFinder, type Finder, lastFindings } from './finder.ts'
import { type Mask, type Masker, maskedBytes } from './masker.ts'
import { fixed } from './maskers/fixed.ts'
import { generalize } from './maskers/generalize.ts'
import { hashToken } from './maskers/hash-token.ts'
import { keep } from './maskers/keep.ts'
import { partial } from './maskers/partial.ts'
import { redact } from './maskers/redact.ts'
import { type CountingScanner, createScanner, type Treatment } from './scanner.ts'

/** The masking of one set of data classes. Safe to share between sessions; scanners are not. */
export interface Masking {
  /** The class of a column by name; the most sensitive one when several list it. */
  classOf(column: ColumnName): DataClass | undefined
  /** Masks whole values of a class, the empty value included. An unknown class is redacted. */
  masker(dataClass: string): Masker
  /**
   * Hides what the detectors of these classes find in any text; undefined when none has a detector.
   * One per answer: it counts what it hid.
   */
  scanner(classes: readonly string[]): CountingScanner | undefined
  /** The text with every finding of these classes replaced: error texts, recordings. */
  scrub(text: string, classes: readonly string[]): string
  /**
   * The class whose mask shows least; then the one whose detector matters most; then by name. An unknown
   * class counts as the most sensitive. Throws ConfigurationError on an empty list.
   */
  mostSensitive(classes: readonly string[]): string
}

const SHOWN_LEAST_FIRST = { null: 0, redact: 1, 'hash-token': 2, partial: 4 } as const

/** How much a method shows, the least first. Of what a module of the operator's shows nothing is known. */
function shown(mask: MaskMethod): number {
  if (typeof mask === 'string') return SHOWN_LEAST_FIRST[mask]
  return 'fixed' in mask ? 1 : 'generalize' in mask ? 3 : 'keep' in mask ? 4 : 5
}

const MIN_KEY_BYTES = 16

interface Prepared {
  readonly settings: DataClass
  readonly detector: Detector | undefined
  readonly mask: Mask
  readonly redact: Mask
}

/** A masker that comes from elsewhere; `otherwise` is for values that it cannot take. */
export type OwnMasker = (otherwise: Mask) => Mask

/** What there is besides the detectors and maskers of this room. */
interface Sources {
  readonly all: ReadonlyMap<string, Detector>
  readonly maskers: ReadonlyMap<string, OwnMasker>
}

/**
 * Prepares masking. `tokenKey` is a secret of at least 16 bytes; the same key gives the same tokens.
 * `detectors` and `maskers` are the operator's own. Throws ConfigurationError for a detector or a column
 * pattern that does not exist, or a name that is taken.
 */
export function createMasking(settings: {
  classes: readonly DataClass[]
  tokenKey: Uint8Array
  detectors?: readonly Detector[]
  maskers?: ReadonlyMap<string, OwnMasker>
}): Masking {
  if (settings.tokenKey.length < MIN_KEY_BYTES) {
    throw new ConfigurationError('configuration_invalid', 'The key for hash tokens is too short.')
  }
  const sources = { all: allOf(settings.detectors ?? []), maskers: settings.maskers ?? new Map() }
  const prepared = new Map<string, Prepared>()
  for (const each of settings.classes) {
    if (prepared.has(each.name)) {
      throw new ConfigurationError(
        'configuration_invalid',
        `The data class "${each.name}" is there twice.`,
      )
    }
    prepared.set(each.name, prepare(each, sources, settings.tokenKey))
  }
  const bySensitivity = (a: string, b: string) => compare(a, b, prepared)
  const classOf = createColumnPatterns(
    [...settings.classes].sort((a, b) => bySensitivity(a.name, b.name)),
  )
  const finders = new Map<string, Finder>()
  /** By the list of classes itself, which may not change then: header after header is scrubbed by the same one. */
  const scrubbers = new WeakMap<readonly string[], CountingScanner>()

  const scanner = (names: readonly string[]): CountingScanner | undefined => {
    // One class for each detector: of several, the one that shows least.
    const byDetector = new Map<Detector, Prepared>()
    for (const name of [...names].sort(bySensitivity)) {
      const each = prepared.get(name)
      if (each?.detector !== undefined && !byDetector.has(each.detector)) {
        byDetector.set(each.detector, each)
      }
    }
    if (byDetector.size === 0) return undefined
    const active = [...sources.all.values()].filter(each => byDetector.has(each))
    const key = active.map(each => each.name).join()
    const finder = finders.get(key) ?? createFinder(active)
    finders.set(key, finder)
    return createScanner(
      finder,
      active.map(each => treatment(each, byDetector.get(each))),
    )
  }

  return {
    classOf,
    masker: name => {
      const each = prepared.get(name)
      if (each === undefined) return redact(name).write
      return isOwn(each.settings.mask) ? metered(each.mask.write) : each.mask.write
    },
    scanner,
    scrub: (text, names) => {
      const scan = scrubbers.get(names) ?? scanner(names)
      if (scan === undefined) return text
      if (Object.isFrozen(names)) scrubbers.set(names, scan)
      scan.begin()
      const src = Buffer.from(text, 'utf8')
      const out = new Uint8Array(maskedBytes(src.length))
      const written = scan(src, 0, src.length, out, 0)
      return written < 0 ? text : Buffer.from(out.buffer, 0, written).toString('utf8')
    },
    mostSensitive: names => {
      const [first] = [...names].sort(bySensitivity)
      if (first !== undefined) return first
      throw new ConfigurationError(
        'configuration_invalid',
        'There is no data class to choose from.',
      )
    },
  }
}

/** Finders of `findIn`, by their detectors' names. */
const reported = new Map<string, Finder>()

/** What the detectors named see in `[start, end)`, by start; spans may overlap. For reports and tests. */
export function findIn(
  names: readonly string[],
  src: Uint8Array,
  start: number = 0,
  end: number = src.length,
): readonly Finding[] {
  const active = names.map(name => detectorOf(name))
  const key = names.join()
  const finder = reported.get(key) ?? createFinder(active)
  if (reported.size > 64) reported.clear()
  reported.set(key, finder)
  finder(src, start, end)
  return Array.from({ length: lastFindings.count }, (_, i) => ({
    dataClass: active[lastFindings.kind[i]!]!.name,
    start: lastFindings.start[i]!,
    end: lastFindings.end[i]!,
  }))
}

function prepare(settings: DataClass, { all, maskers }: Sources, tokenKey: Uint8Array): Prepared {
  const { name, detect, mask } = settings
  const detector = detect === undefined ? undefined : detectorOf(detect, all, name)
  const mark = redact(name)
  const made = (): Mask => {
    if (typeof mask !== 'string') {
      if ('keep' in mask) return keep(mask, mark)
      if ('generalize' in mask) return generalize(mask, mark)
      if ('fixed' in mask) return fixed(mask)
      const own = maskers.get(mask.plugin)
      if (own !== undefined) return own(mark)
      throw new ConfigurationError(
        'configuration_invalid',
        `No plugin has a masker "${mask.plugin}", which the data class "${name}" names.`,
      )
    }
    if (mask === 'partial') return partial(detector?.visible ?? 'tail', mark)
    if (mask === 'hash-token') return hashToken(name, detector?.normal ?? 'exact', tokenKey)
    // NULL cannot stand within a text; where a caller can write NULL for a whole value, it does.
    return mark
  }
  return { settings, detector, mask: made(), redact: mark }
}

function isOwn(mask: MaskMethod): boolean {
  return typeof mask !== 'string' && 'plugin' in mask
}

/** A masker with a budget of its own: whoever asks for it masks one answer. */
function metered(write: Masker): Masker {
  const answer: Answer = { spentMs: 0 }
  return (src, start, end, out, at) => {
    takeUp(answer)
    return write(src, start, end, out, at)
  }
}

/** Ours and the operator's own, by name. */
function allOf(own: readonly Detector[]): ReadonlyMap<string, Detector> {
  const all = new Map(detectors)
  for (const each of own) {
    if (all.has(each.name)) {
      throw new ConfigurationError(
        'configuration_invalid',
        `There is another detector "${each.name}": ours and those of plugins and patterns have names of their own.`,
      )
    }
    all.set(each.name, each)
  }
  return all
}

/** `dataClass`: which one names it. */
function detectorOf(
  name: string,
  all: ReadonlyMap<string, Detector> = detectors,
  dataClass?: string,
): Detector {
  const detector = all.get(name)
  if (detector !== undefined) return detector
  const named = dataClass === undefined ? '' : `, which the data class "${dataClass}" names`
  throw new ConfigurationError(
    'configuration_invalid',
    `There is no detector "${name}"${named}. There are: ${[...all.keys()].join(', ')}.`,
  )
}

function treatment(detector: Detector, prepared: Prepared | undefined): Treatment {
  if (prepared === undefined) throw new Error('a detector without a class')
  return {
    dataClass: prepared.settings.name,
    rank: detector.rank,
    mask: prepared.mask,
    redact: prepared.redact,
  }
}

function compare(a: string, b: string, prepared: ReadonlyMap<string, Prepared>): number {
  const [left, right] = [prepared.get(a), prepared.get(b)]
  if (left === undefined || right === undefined) {
    return (
      (left === undefined ? 0 : 1) - (right === undefined ? 0 : 1) || (a < b ? -1 : a > b ? 1 : 0)
    )
  }
  return (
    shown(left.settings.mask) - shown(right.settings.mask) ||
    (right.detector?.rank ?? 0) - (left.detector?.rank ?? 0) ||
    (a < b ? -1 : a > b ? 1 : 0)
  )
}
