// From the configured data classes to what is done with a cell. Decides nothing: who may see what is
// the policy's answer, and the caller brings it.
import { Buffer } from 'node:buffer'
import type { ColumnName, DataClass, Finding } from '#model'
import { ConfigurationError } from '#model'
import { createColumnPatterns } from './column-patterns.ts'
import type { Detector } from './detector.ts'
import { detectors } from './detectors.ts'
import { createFinder, type Finder, lastFindings } from './finder.ts'
import { type Mask, type Masker, maskedBytes } from './masker.ts'
import { hashToken } from './maskers/hash-token.ts'
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

const SHOWN_LEAST_FIRST = { null: 0, redact: 1, 'hash-token': 2, partial: 3 } as const
const MIN_KEY_BYTES = 16

interface Prepared {
  readonly settings: DataClass
  readonly detector: Detector | undefined
  readonly mask: Mask
  readonly redact: Mask
}

/**
 * Prepares masking. `tokenKey` is a secret of at least 16 bytes; the same key gives the same tokens.
 * Throws ConfigurationError for a detector or a pattern that does not exist, or a class named twice.
 */
export function createMasking(settings: {
  classes: readonly DataClass[]
  tokenKey: Uint8Array
}): Masking {
  if (settings.tokenKey.length < MIN_KEY_BYTES) {
    throw new ConfigurationError('configuration_invalid', 'The key for hash tokens is too short.')
  }
  const prepared = new Map<string, Prepared>()
  for (const each of settings.classes) {
    if (prepared.has(each.name)) {
      throw new ConfigurationError(
        'configuration_invalid',
        `The data class "${each.name}" is there twice.`,
      )
    }
    prepared.set(each.name, prepare(each, settings.tokenKey))
  }
  const bySensitivity = (a: string, b: string) => compare(a, b, prepared)
  const classOf = createColumnPatterns(
    [...settings.classes].sort((a, b) => bySensitivity(a.name, b.name)),
  )
  const finders = new Map<string, Finder>()

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
    const active = [...detectors.values()].filter(each => byDetector.has(each))
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
    masker: name => (prepared.get(name)?.mask ?? redact(name)).write,
    scanner,
    scrub: (text, names) => {
      const scan = scanner(names)
      if (scan === undefined) return text
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

/** What the detectors named see in `[start, end)`, by start; spans may overlap. For reports and tests. */
export function findIn(
  names: readonly string[],
  src: Uint8Array,
  start: number = 0,
  end: number = src.length,
): readonly Finding[] {
  const active = names.map(detectorOf)
  createFinder(active)(src, start, end)
  return Array.from({ length: lastFindings.count }, (_, i) => ({
    dataClass: active[lastFindings.kind[i]!]!.name,
    start: lastFindings.start[i]!,
    end: lastFindings.end[i]!,
  }))
}

function prepare(settings: DataClass, tokenKey: Uint8Array): Prepared {
  const { name, detect, mask } = settings
  const detector = detect === undefined ? undefined : detectorOf(detect)
  const mark = redact(name)
  // NULL cannot stand within a text; where a caller can write NULL for a whole value, it does.
  const masks = {
    null: () => mark,
    redact: () => mark,
    partial: () => partial(detector?.visible ?? 'tail', mark),
    'hash-token': () => hashToken(name, detector?.normal ?? 'exact', tokenKey),
  }
  return { settings, detector, mask: masks[mask](), redact: mark }
}

function detectorOf(name: string): Detector {
  const detector = detectors.get(name)
  if (detector !== undefined) return detector
  throw new ConfigurationError(
    'configuration_invalid',
    `There is no detector "${name}". There are: ${[...detectors.keys()].join(', ')}.`,
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
    SHOWN_LEAST_FIRST[left.settings.mask] - SHOWN_LEAST_FIRST[right.settings.mask] ||
    (right.detector?.rank ?? 0) - (left.detector?.rank ?? 0) ||
    (a < b ? -1 : a > b ? 1 : 0)
  )
}
