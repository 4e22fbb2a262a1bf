// What a plugin costs the gateway's thread beside a pattern and beside neither: CPU for each cell of a row loop. The
// figures are in docs/guides/plugins.md.
import { Buffer } from 'node:buffer'
import { resolve } from 'node:path'
import { patternEngine } from '#config'
import { createMasking, createPatternDetector, type Detector, maskedBytes } from '#engines/masking'
import { openPlugins } from '#services/plugins'

const CELLS = 100_000
const ROUNDS = 7

const plugins = await openPlugins(
  [
    {
      file: resolve(import.meta.dirname, '../docs/guides/acme-masker.ts'),
      sha256: '',
      callMs: 1_000,
      answerMs: 600_000,
      memoryMiB: 64,
    },
  ],
  { log: { warn: () => {} }, now: Date.now, failed: (_, why) => console.error(`failed: ${why}`) },
)
const pattern = createPatternDetector(
  {
    name: 'acme-parcel',
    pattern: 'ACME20\\d\\d-\\d{5}',
    ignoreCase: false,
    boundary: true,
    context: [],
    within: 40,
    match: [],
    mustNotMatch: [],
  },
  patternEngine,
)

function measure(name: string, detector: Detector, text: string): void {
  const masking = createMasking({
    classes: [{ name: 'c', columns: [], detect: 'acme-parcel', mask: 'redact' }],
    tokenKey: new Uint8Array(32),
    detectors: [detector],
  })
  const scan = masking.scanner(['c'])
  const cell = Buffer.from(text)
  const out = Buffer.alloc(maskedBytes(cell.length))
  const spent = Array.from({ length: ROUNDS }, () => {
    const before = process.threadCpuUsage()
    for (let i = 0; i < CELLS; i++) scan?.(cell, 0, cell.length, out, 0)
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / CELLS
  }).sort((a, b) => a - b)
  console.log(
    `${name.padEnd(28)} ${spent[0]?.toFixed(2)} us, median ${spent[ROUNDS >> 1]?.toFixed(2)} us`,
  )
}

const [plugin] = plugins.detectors
if (plugin === undefined) throw new Error('the example has no detector')
measure('plugin, no hint in the cell', plugin, 'a cell of forty bytes without any of it')
measure('pattern, nothing in the cell', pattern, 'a cell of forty bytes without any of it')
measure('plugin, asked', plugin, 'a parcel, ACME2024-00007, in forty bytes')
measure('pattern, candidate', pattern, 'a parcel, ACME2024-00007, in forty bytes')
plugins.close()
