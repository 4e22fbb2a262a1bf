// Sign-ins and device codes, by a clock of our own: what bounds them, and what ends them.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Principal } from '#model'
import { type Database, openDatabase } from '#services/db'
import { DeviceCodes } from './device-codes.ts'
import { SignIns } from './sign-ins.ts'
import { identityMigrations } from './tables.ts'
import { Writes } from './writes.ts'

const HOUR = 3_600_000
const ana: Principal = {
  kind: 'user',
  id: 'ana',
  subject: 'ana',
  issuer: 'https://idp.example',
  name: 'Ana',
  groups: ['analysts'],
  attributes: {},
  actors: [],
  owners: [],
  mfa: true,
  credential: { kind: 'token', id: 'sign-in' },
  run: 'x',
  expiresAt: 5,
}

let clock = 1_000_000
const now = () => clock

describe('a sign-in', () => {
  let store: Database
  let writes: Writes
  let signIns: SignIns
  beforeEach(async () => {
    store = await openDatabase(':memory:', [identityMigrations])
    writes = new Writes(store)
    signIns = new SignIns(writes, now, () => ({ lifetime: 8 * HOUR, idle: HOUR }))
  })
  afterEach(async () => {
    await writes.settled()
    await store.close()
  })

  it('is its principal for its lifetime, whatever the ID token said of its own end', () => {
    const { token, principal } = signIns.create(ana)
    expect(principal).toMatchObject({ id: 'ana', credential: { kind: 'sign-in' }, issuedAt: clock })
    expect(principal.expiresAt).toBe(clock + 8 * HOUR)
    expect(signIns.check(token.reveal())).toBe(principal)
  })

  it('ends at its end, though it is used all the time', () => {
    const { token } = signIns.create(ana)
    for (let i = 0; i < 15; i += 1) {
      clock += HOUR / 2
      signIns.check(token.reveal())
    }
    clock += HOUR / 2
    expect(() => signIns.check(token.reveal())).toThrow('has ended')
    expect(() => signIns.check(token.reveal())).toThrow('not signed in')
  })

  it('ends an hour after its last use', () => {
    const { token } = signIns.create(ana)
    clock += HOUR
    expect(() => signIns.check(token.reveal())).toThrow('has ended')
  })

  it('ends no later than the one that said yes to it', () => {
    const first = signIns.create({ ...ana, expiresAt: clock + 5 }).principal
    clock += 2
    const second = signIns.handOn({ ...first, expiresAt: clock + 5 }).principal
    expect(second.expiresAt).toBe(clock + 5)
    // Nor newer: nothing that wants a fresh sign-in is had by handing on an old one.
    expect(second.issuedAt).toBe(clock - 2)
    expect(second.credential.id).not.toBe(first.credential.id)
  })

  it('outlives a restart, and its token is not in the store', async () => {
    const { token } = signIns.create(ana)
    await writes.settled()
    const again = new SignIns(writes, now, () => ({ lifetime: 8 * HOUR, idle: HOUR }))
    await again.load()
    expect(again.check(token.reveal()).id).toBe('ana')
    const rows = await writes.tables.selectFrom('identity_sign_ins').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(token.reveal())
  })

  it('is one of a hundred at most', () => {
    for (let i = 0; i < 100; i += 1) signIns.create(ana)
    expect(() => signIns.create(ana)).toThrow('too many sign-ins')
    expect(() => signIns.create({ ...ana, id: 'ben' })).not.toThrow()
  })

  it('is told from any other token by its form', () => {
    expect(SignIns.is(signIns.create(ana).token.reveal())).toBe(true)
    for (const other of ['eyJh.eyJz.c2ln', 'sps_', 'sps_short', `sps_${'!'.repeat(43)}`])
      expect(SignIns.is(other), other).toBe(false)
  })
})

describe('a device code', () => {
  let devices: DeviceCodes
  const asks = { client: 'laptop', ip: '10.0.0.1' }
  beforeEach(() => {
    devices = new DeviceCodes(now)
  })

  it('gives the principal once, after the yes, and waits until then', () => {
    const { deviceCode, userCode } = devices.start(asks)
    expect(() => devices.take(deviceCode)).toThrow('not confirmed yet')
    expect(devices.answer(userCode.toLowerCase().replace('-', ' '), ana, true)).toBe(true)
    expect(devices.take(deviceCode)).toBe(ana)
    expect(() => devices.take(deviceCode)).toThrow('Nobody confirmed')
  })

  it('is answered once: a second person cannot take it over', () => {
    const { deviceCode, userCode } = devices.start(asks)
    devices.answer(userCode, ana, true)
    expect(devices.answer(userCode, { ...ana, id: 'mallory' }, true)).toBe(false)
    expect(devices.take(deviceCode).id).toBe('ana')
  })

  it('ends after ten minutes, confirmed or not', () => {
    const { deviceCode, userCode } = devices.start(asks)
    devices.answer(userCode, ana, true)
    clock += 600_000
    expect(() => devices.take(deviceCode)).toThrow('Nobody confirmed')
    expect(devices.find(userCode, ana)).toBeUndefined()
  })

  it('cannot be guessed: after thirty wrong ones in a minute none is looked up', () => {
    const { userCode } = devices.start(asks)
    for (let i = 0; i < 30; i += 1) expect(devices.find('BBBB-BBBB', ana)).toBeUndefined()
    expect(devices.find(userCode, ana)).toBeUndefined()
    expect(devices.find(userCode, { ...ana, id: 'ben' })?.client).toBe('laptop')
    clock += 60_000
    expect(devices.find(userCode, ana)?.client).toBe('laptop')
  })

  it('is one of twenty for an address, so that one machine cannot take all places', () => {
    for (let i = 0; i < 20; i += 1) devices.start(asks)
    expect(() => devices.start(asks)).toThrow('Too many sign-ins wait')
    expect(() => devices.start({ ...asks, ip: '::ffff:10.0.0.1' })).toThrow('Too many')
    expect(() => devices.start({ ...asks, ip: '10.0.0.2' })).not.toThrow()
    // Whoever has one address of IPv6 has 2^64.
    const ip = (at: number) => `2001:db8:0:1::${at.toString(16)}`
    for (let at = 0; at < 20; at += 1) devices.start({ ...asks, ip: ip(at) })
    expect(() => devices.start({ ...asks, ip: ip(20) })).toThrow('Too many')
    expect(() => devices.start({ ...asks, ip: '2001:db8:0:2::1' })).not.toThrow()
    clock += 600_000
    expect(() => devices.start(asks)).not.toThrow()
  })
})
