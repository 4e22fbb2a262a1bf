// One line of the table out of what a case measured: Sallyport's ratio to another target.
import { best, type CaseResult, ratio } from './method.ts'
import type { Line } from './report.ts'

/** One ratio with its spread, the noise of the same round, and the CPU per operation. */
export function compare(
  result: CaseResult,
  base: string,
  floor: number | undefined,
  name = result.name,
): Line {
  const found = ratio(result, 'sallyport', base)
  const noise = ratio(result, 'direct again', 'direct')
  const own = best(result, 'sallyport')
  return {
    name,
    what: `of ${base}`,
    value: found.median.toFixed(2),
    floor: floor === undefined ? '' : floor.toFixed(2),
    holds: floor === undefined ? undefined : found.median >= floor,
    note: [
      `${found.low.toFixed(2)}-${found.high.toFixed(2)}`,
      `A/A ${noise.median.toFixed(2)}`,
      `best ${Math.round(own.rate).toLocaleString('en')} ${result.unit}`,
      `${own.cpuPerOperation.toFixed(own.cpuPerOperation < 10 ? 2 : 0)} us CPU each`,
    ].join(', '),
  }
}
