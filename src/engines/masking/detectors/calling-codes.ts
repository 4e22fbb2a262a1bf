// Calling codes and the lengths of the numbers behind them, from libphonenumber's metadata, read once: its
// parser takes microseconds for each number, far too long for each cell.
import { getCountries, getCountryCallingCode, Metadata } from 'libphonenumber-js'

/** Calling code → possible lengths of the national number, as bits. Calling codes are prefix-free. */
export const nationalLengths: ReadonlyMap<number, number> = readPlans()

function readPlans(): ReadonlyMap<number, number> {
  const plans = new Map<number, number>()
  const metadata = new Metadata()
  for (const country of getCountries()) {
    metadata.selectNumberingPlan(country)
    const code = Number(getCountryCallingCode(country))
    // Lengths under six are for calls within a town; ten is all that +1 has across borders.
    const lengths = metadata.numberingPlan?.possibleLengths() ?? []
    for (const length of lengths) {
      if (length < 6 || (code === 1 && length !== 10)) continue
      plans.set(code, (plans.get(code) ?? 0) | (1 << length))
    }
  }
  return plans
}
