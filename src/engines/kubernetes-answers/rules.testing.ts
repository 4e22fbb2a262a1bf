// Rules that the tests of this room share.
import { Buffer } from 'node:buffer'
import { createBodyRules } from '#engines/bodies'
import { createMasking } from '#engines/masking'
import type { ColumnName, DataClass } from '#model'
import { createObjectMasker } from './object-masker.ts'
import type { AskedObjects, Hidden, ObjectRules } from './rules.ts'

const classes: DataClass[] = [
  { name: 'kubernetes-secret', columns: [], mask: 'redact' },
  { name: 'setting', columns: [], mask: 'redact' },
  { name: 'gone', columns: [], mask: 'null' },
  { name: 'joined', columns: [], mask: 'hash-token' },
  { name: 'mail', columns: [], detect: 'email', mask: 'redact' },
]
export const masking = createMasking({ classes, tokenKey: new Uint8Array(32) })

export function hiddenAs(dataClass: string): Hidden {
  return dataClass === 'gone'
    ? { kind: 'null', dataClass }
    : { kind: 'mask', dataClass, write: masking.masker(dataClass) }
}

/** What detectors find in any body. */
export const bodyRules = createBodyRules({
  fields: [],
  scanner: () => masking.scanner(['mail']),
  redaction: { dataClass: 'mail', write: masking.masker('mail') },
})

export const MASK = '⟦m:kubernetes-secret⟧'
export const MASK_64 = Buffer.from(MASK).toString('base64')
export const SETTING = '⟦m:setting⟧'

/** Every Secret is hidden, but what `shown` says; of ConfigMaps the keys with `password` in them. */
export function rulesOf(
  shown: (column: ColumnName, told: boolean) => boolean = () => false,
  dataClass = 'kubernetes-secret',
): ObjectRules {
  return {
    configMaps: true,
    hides: (column, told) => {
      if (shown(column, told)) return undefined
      if (column.object.startsWith('secrets')) return hiddenAs(dataClass)
      return /password|\*/i.test(column.column) ? hiddenAs('setting') : undefined
    },
  }
}

export const asked = {
  secrets: { resource: 'secrets', group: '', namespace: 'default' },
  secret: { resource: 'secrets', group: '', namespace: 'default', name: 'db' },
  configMaps: { resource: 'configmaps', group: '', namespace: 'default' },
  pods: { resource: 'pods', group: '' },
  widgets: { resource: 'widgets', group: 'example.com', namespace: 'default' },
} satisfies Record<string, AskedObjects>

/** All that comes out when the pieces go in. */
export function through(
  what: AskedObjects,
  pieces: readonly (string | Uint8Array)[],
  rules: ObjectRules = rulesOf(),
  longest?: number,
): string {
  const masker = createObjectMasker(rules, {
    asked: what,
    rest: undefined,
    ...(longest === undefined ? {} : { longest }),
  })
  const out: Buffer[] = []
  // (Copied at once: what is held is written over later.)
  for (const piece of pieces)
    for (const part of masker.write(Buffer.from(piece))) out.push(Buffer.from(part))
  for (const part of masker.end()) out.push(Buffer.from(part))
  return Buffer.concat(out).toString()
}

/** Every way to cut it in two, and byte by byte, gives what it gives in one piece: this. */
export function everyCut(what: AskedObjects, text: string, rules: ObjectRules = rulesOf()): string {
  const bytes = Buffer.from(text)
  const whole = through(what, [bytes], rules)
  for (let at = 1; at < bytes.length; at++) {
    const cut = through(what, [bytes.subarray(0, at), bytes.subarray(at)], rules)
    if (cut !== whole) throw new Error(`cut at ${at}: ${cut}, in one piece: ${whole}`)
  }
  const single = through(
    what,
    Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
    rules,
  )
  if (single !== whole) throw new Error(`byte by byte: ${single}, in one piece: ${whole}`)
  return whole
}
