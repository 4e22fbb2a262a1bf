import { Buffer } from 'node:buffer'
import { describe, expect, test } from 'vitest'
import { createMarks, createMasking } from '#engines/masking'
import type { Facts, SessionPolicies } from '#engines/policy'
import type { DataClass } from '#model'
import { bodyMasker, hidesInBodies } from './body-masks.ts'
import { Sight } from './sight.ts'

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
const viewOf = (...revealed: string[]) => {
  const policies: SessionPolicies = {
    decide: () => {
      throw new Error('not asked')
    },
    reveals: dataClass => revealed.includes(dataClass),
    revealsSteadily: () => true,
    mayApprove: () => false,
    mayBreakGlass: () => false,
  }
  return new Sight(masks, policies).at(facts)
}

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

  test('is told by its field alone where no detector knows the class, so texts are refused', () => {
    const html = { contentType: 'text/html' }
    expect(() => bodyMasker(viewOf(), html)).toThrow('Fields are hidden')
    expect(bodyMasker(viewOf('person', 'pin'), html)).toBeDefined()
    expect(bodyMasker(viewOf(), { ...html, textsByDetectors: true })).toBeDefined()
  })
})
