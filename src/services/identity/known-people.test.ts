import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Principal } from '#model'
import { type Database, openDatabase } from '#services/db'
import { KnownPeople } from './known-people.ts'
import { identityMigrations } from './tables.ts'
import { Writes } from './writes.ts'

const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 21)
let now = START
let store: Database
let writes: Writes
let people: KnownPeople

beforeEach(async () => {
  now = START
  store = await openDatabase(':memory:', [identityMigrations])
  writes = new Writes(store)
  people = new KnownPeople(writes, () => now)
})
afterEach(async () => {
  await writes.settled()
  await store.close()
})

const person = (id: string, more: Partial<Principal> = {}): Principal => ({
  kind: 'user',
  id,
  subject: id,
  issuer: 'https://idp.example',
  name: id,
  groups: ['dba'],
  attributes: {},
  actors: [],
  owners: [],
  mfa: true,
  credential: { kind: 'sign-in', id: `si-${id}` },
  run: 'x',
  expiresAt: START + 24 * HOUR,
  ...more,
})

describe('a verified address', () => {
  it('is that of whoever signed in with it, whatever its capitals', () => {
    people.note('Dora.Smith@Example.com', person('dora'))
    expect(people.find('dora.smith@example.com')?.id).toBe('dora')
    expect(people.find('DORA.SMITH@EXAMPLE.COM')?.id).toBe('dora')
    for (const other of [
      'dora@example.com',
      'dora.smith@example.com.evil',
      '',
      ' dora.smith@example.com',
    ])
      expect(people.find(other), other).toBeUndefined()
  })

  it('does not fold letters that only look alike', () => {
    people.note('kim@example.com', person('kim'))
    // KELVIN SIGN and dotless i: lower-casing would make them k and i.
    expect(people.find('\u212aim@example.com')).toBeUndefined()
    expect(people.find('k\u0131m@example.com')).toBeUndefined()
  })

  it('is nobody’s while two people have it', () => {
    people.note('ops@example.com', person('dora'))
    people.note('ops@example.com', person('sam', { expiresAt: START + HOUR }))
    expect(people.find('ops@example.com')).toBeUndefined()
    now += HOUR
    expect(people.find('ops@example.com')?.id).toBe('dora')
  })

  it('counts for twelve hours, and no longer than the sign-in would have held', () => {
    people.note('dora@example.com', person('dora'))
    people.note('sam@example.com', person('sam', { expiresAt: START + 8 * HOUR }))
    now = START + 8 * HOUR
    expect(people.find('sam@example.com')).toBeUndefined()
    now = START + 12 * HOUR - 1
    expect(people.find('dora@example.com')?.id).toBe('dora')
    now += 1
    expect(people.find('dora@example.com')).toBeUndefined()
  })

  it('is of the last sign-in: its groups and its second factor count', () => {
    people.note('dora@example.com', person('dora', { groups: ['old'], mfa: false }))
    people.note('dora@example.com', person('dora', { groups: ['new'], mfa: true }))
    expect(people.find('dora@example.com')).toMatchObject({ groups: ['new'], mfa: true })
  })

  it('outlives a restart, and not the end of the identity', async () => {
    people.note('dora@example.com', person('dora'))
    people.note('sam@example.com', person('sam'))
    people.endWhere(({ id }) => id === 'sam')
    await writes.settled()
    const again = new KnownPeople(writes, () => now)
    await again.load()
    expect(again.find('dora@example.com')).toEqual(person('dora'))
    expect(again.find('sam@example.com')).toBeUndefined()
  })

  it('is forgotten when it no longer counts', async () => {
    people.note('dora@example.com', person('dora'))
    now += 13 * HOUR
    people.prune()
    await writes.settled()
    expect(await writes.tables.selectFrom('identity_addresses').selectAll().execute()).toEqual([])
  })
})
