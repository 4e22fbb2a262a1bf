// What masking of bodies costs: a JSON answer of 5 kB, three fields hidden, detectors on the rest.
//   node bench/bodies.ts
import { Buffer } from 'node:buffer'
import { createBodyMasker, createBodyRules } from '#engines/bodies'
import { parsePointer } from '#engines/json'
import { createMasking } from '#engines/masking'
import type { DataClass } from '#model'
import { customers } from './http-targets.ts'

const classes: DataClass[] = [
  { name: 'name', columns: [], mask: 'redact' },
  { name: 'email', columns: [], detect: 'email', mask: 'partial' },
  { name: 'card', columns: [], detect: 'card', mask: 'redact' },
  { name: 'ssn', columns: [], detect: 'us-ssn', mask: 'redact' },
  { name: 'phone', columns: [], detect: 'phone', mask: 'redact' },
]
const masking = createMasking({ classes, tokenKey: new Uint8Array(32) })
const scanned = ['email', 'card', 'ssn', 'phone']
const plan = (dataClass: string) =>
  ({ kind: 'mask', dataClass, write: masking.masker(dataClass) }) as const
const rules = (names: readonly string[]) =>
  createBodyRules({
    fields: [
      { names: ['full_name'], pointers: [], detected: true, plan: plan('name') },
      {
        names: [],
        pointers: [parsePointer('/customers/0/email')!],
        detected: true,
        plan: plan('email'),
      },
      { names: ['card'], pointers: [], detected: true, plan: plan('card') },
    ],
    scanner: () => masking.scanner(names),
    redaction: plan('card'),
  })

const text = customers()
const body = Buffer.from(text)

function measure(what: string, once: () => void): void {
  for (let i = 0; i < 5_000; i++) once()
  const samples = Array.from({ length: 15 }, () => {
    const began = process.cpuUsage()
    for (let i = 0; i < 1_000; i++) once()
    const { user, system } = process.cpuUsage(began)
    return (user + system) / 1_000
  }).sort((a, b) => a - b)
  const us = samples[samples.length >> 1]!
  console.log(`${what.padEnd(40)} ${us.toFixed(1)} us  ${(body.length / us).toFixed(0)} MB/s`)
}

function masked(by: ReturnType<typeof rules>): () => number {
  return () => {
    const json = createBodyMasker(by, { contentType: 'application/json' })
    let out = 0
    for (const each of json.write(body)) out += each.length
    for (const each of json.end()) out += each.length
    return out
  }
}

console.log(`${body.length} bytes`)
measure('fields and detectors', masked(rules(scanned)))
measure('fields alone', masked(rules([])))
measure('JSON.parse and JSON.stringify', () => JSON.stringify(JSON.parse(body.toString())))
