import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { createMarks, createMasking } from '#engines/masking'
import type { Facts, SessionPolicies } from '#engines/policy'
import type { DataClass } from '#model'
import { bodyMasker, entireMasker, hiddenColumns, hidesInBodies } from './body-masks.ts'
import { createMasks } from './create-masks.ts'
import { valuePlan } from './masks.ts'
import { masksOn, Sight } from './sight.ts'

const classes: readonly DataClass[] = [
  { name: 'email', columns: ['*.email'], detect: 'email', mask: 'partial' },
  { name: 'person', columns: [], keys: ['name'], mask: 'redact' },
  { name: 'pin', columns: [], pointers: ['/cards/*/pin', '/name'], mask: 'null' },
]
const tokenKey = new Uint8Array(32)
const masks = {
  classes,
  masking: createMasking({ classes, tokenKey }),
  marks: createMarks(classes),
  redaction: createMasking({
    classes: classes.map(each => ({ ...each, mask: 'redact' as const })),
    tokenKey,
  }),
}
const facts: Facts = {
  client: '',
  ip: '127.0.0.1',
  now: 0,
  approved: false,
  reason: undefined,
  mfa: false,
  run: { rows: 0, bytes: 0, statements: 0 },
}
type Reveals = SessionPolicies['reveals']
const policiesOf = (reveals: Reveals): SessionPolicies => ({
  decide: () => {
    throw new Error('not asked')
  },
  reveals,
  revealsSteadily: () => true,
  mayApprove: () => false,
  mayBreakGlass: () => false,
})
const viewOf = (...revealed: string[]) =>
  new Sight(
    masks,
    policiesOf(dataClass => revealed.includes(dataClass)),
  ).at(facts)

function seen(text: string, ...revealed: string[]): string {
  const body = bodyMasker(viewOf(...revealed), { contentType: 'application/json' })
  if (body === undefined) return text
  return Buffer.concat([...body.write(Buffer.from(text)), ...body.end()]).toString()
}

describe('what is hidden in a body', () => {
  const text = '{"name":"Ann","cards":[{"pin":"12"}],"to":"ann@example.com","x":{"name":"Bo"}}'

  test('is what the principal may not see', () => {
    expect(seen(text)).toBe(
      '{"name":null,"cards":[{"pin":null}],"to":"a***@example.com","x":{"name":"⟦m:person⟧"}}',
    )
    expect(seen(text, 'pin', 'email')).toBe(
      '{"name":"⟦m:person⟧","cards":[{"pin":"12"}],"to":"ann@example.com","x":{"name":"⟦m:person⟧"}}',
    )
  })

  test('is nothing for whoever may see all', () => {
    const view = viewOf('email', 'person', 'pin')
    expect(hidesInBodies(view)).toBe(false)
    expect(bodyMasker(view, { contentType: 'image/png' })).toBeUndefined()
    expect(hidesInBodies(viewOf('email', 'person'))).toBe(true)
  })

  test('is all of it for eyes that no policy was asked about, and nothing where there is no class', () => {
    const json = { contentType: 'application/json' }
    const all = entireMasker(masks, json)!
    expect(Buffer.concat([...all.write(Buffer.from(text)), ...all.end()]).toString()).toBe(
      '{"name":"⟦m:person⟧","cards":[{"pin":null}],"to":"⟦m:email⟧","x":{"name":"⟦m:person⟧"}}',
    )
    expect(entireMasker({ ...masks, classes: [] }, json)).toBeUndefined()
  })

  test('is told by its field alone where no detector knows the class, so texts are refused', () => {
    const html = { contentType: 'text/html' }
    expect(() => bodyMasker(viewOf(), html)).toThrow('Fields are hidden')
    expect(bodyMasker(viewOf('person', 'pin'), html)).toBeDefined()
    expect(bodyMasker(viewOf(), { ...html, textsByDetectors: true })).toBeDefined()
  })
})

describe('the classes of a wire', () => {
  const own: DataClass = { name: 'secret', columns: ['secrets/*.*'], mask: 'redact' }
  const wires = [{ name: 'cluster', dataClasses: [own] }, { name: 'shop' }]
  const settings = { tokenKey: new Uint8Array(32), detectors: [], maskers: new Map(), wires }
  const column = { object: 'secrets/default/db', column: 'password' }
  const on = (wire: string, configured: readonly DataClass[], revealed: Reveals = () => false) => {
    const masks = masksOn(createMasks({ ...settings, classes: configured }), wire)
    return new Sight(masks, policiesOf(revealed)).at(facts)
  }

  test('are hidden in its answers without being configured, and in no other’s', () => {
    const view = on('cluster', [])
    expect(hidesInBodies(view)).toBe(true)
    expect(hiddenColumns(view).map(({ name }) => name)).toEqual(['secret'])
    expect(valuePlan(view, column, true)).toMatchObject({ kind: 'mask', dataClass: 'secret' })
    expect(hidesInBodies(on('shop', []))).toBe(false)
    expect(hiddenColumns(on('shop', [own]))).toEqual([])
  })

  test('are masked as the configuration says, which may add columns and take none away', () => {
    const view = on('cluster', [{ name: 'secret', columns: ['maps/*.token'], mask: 'null' }])
    expect(valuePlan(view, column, true)).toEqual({ kind: 'null', dataClass: 'secret' })
    expect(valuePlan(view, { object: 'maps/a', column: 'token' }, true)).toBeDefined()
    expect(valuePlan(view, { object: 'maps/a', column: 'mode' }, true)).toBeUndefined()
  })

  test('are shown where a policy reveals them, and of an unknown column where it asks for none', () => {
    const byColumn: Reveals = (_, of) => of !== 'unknown'
    const view = on('cluster', [], byColumn)
    expect(valuePlan(view, column, true)).toBeUndefined()
    expect(valuePlan(view, column, false)).toBeDefined()
    const shown = on('cluster', [], () => true)
    expect(valuePlan(shown, column, false)).toBeUndefined()
    expect(hidesInBodies(shown)).toBe(false)
  })
})
