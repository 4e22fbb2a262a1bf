// How a class of data looks to whoever may not see it: a made-up value, masked as a whole column's value is.
import { Buffer } from 'node:buffer'
import { detectors, maskedBytes, plainSample, samples } from '#engines/masking'
import type { DataClass, DetectorSettings } from '#model'
import type { Masks } from './sight.ts'

/** `shown: null`: NULL. */
export interface ClassExample {
  readonly value: string
  readonly shown: string | null
}

/** `own`: the detectors of the configuration. Undefined where a module masks: it is not asked for a page. */
export function classExample(
  masks: Masks,
  dataClass: DataClass,
  own: readonly DetectorSettings[],
): ClassExample | undefined {
  const { name, mask } = dataClass
  if (typeof mask === 'object' && 'plugin' in mask) return undefined
  const value = madeUp(dataClass, own)
  if (mask === 'null') return { value, shown: null }
  const src = Buffer.from(value)
  const out = new Uint8Array(maskedBytes(src.length))
  const written = masks.masking.masker(name)(src, 0, src.length, out, 0)
  return { value, shown: Buffer.from(out.subarray(0, written)).toString('utf8') }
}

/** Where the detector of a class comes from. */
export function detectorOrigin(
  name: string,
  own: readonly DetectorSettings[],
): 'built-in' | 'configuration' | 'plugin' {
  if (detectors.has(name)) return 'built-in'
  return own.some(each => each.name === name) ? 'configuration' : 'plugin'
}

function madeUp({ detect, mask }: DataClass, own: readonly DetectorSettings[]): string {
  if (typeof mask === 'object' && 'generalize' in mask)
    return typeof mask.generalize === 'number' ? '48231' : '1987-05-23'
  const known = samples.get(detect ?? '')
  if (known !== undefined) return known
  // The first text that its author gave as an example of it.
  return own.find(({ name }) => name === detect)?.match[0] ?? plainSample
}
