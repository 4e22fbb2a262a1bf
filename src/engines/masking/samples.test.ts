import { describe, expect, it } from 'vitest'
import { detectors } from './detectors.ts'
import { findIn } from './masking.ts'
import { samples } from './samples.ts'

/** Values that are believed only next to a word. */
const words: Readonly<Record<string, string>> = {
  'us-aba': 'routing',
  'us-npi': 'NPI',
  'uk-nhs': 'NHS',
  'de-steuer-id': 'Steuer-ID',
  'pl-pesel': 'PESEL',
  'nl-bsn': 'BSN',
  'au-tfn': 'TFN',
  'au-abn': 'ABN',
}

describe('the made-up values', () => {
  it('are there for each detector', () => {
    expect([...samples.keys()]).toEqual([...detectors.keys()])
  })

  it.each([...samples])('%s is what its detector sees', (name, value) => {
    const text = Buffer.from(`${words[name] ?? ''} ${value}`)
    expect(findIn([name], text).length).toBeGreaterThan(0)
  })
})
