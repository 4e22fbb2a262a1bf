// Measures the detectors and writes the figures into docs/detectors.md.
import { writeFileSync } from 'node:fs'
import { PAGE, pageNow } from './table.ts'

writeFileSync(PAGE, pageNow())
