// The end of a run, and who is known: on real tokens and a real store.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Database, openDatabase } from '#services/db'
import { createIdentity, type Identity, type IdentityEnd } from './index.ts'
import { type Fields, Network, NOW_S, secret, settings, token } from './issuer-sample.ts'

let folder: string
let store: Database
let network: Network
const opened: Identity[] = []

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-identity-'))
  store = await openDatabase(join(folder, 'store.db'))
  network = new Network()
  await network.publish()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map(each => each.close()))
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(): Promise<Identity> {
  const created = await createIdentity({
    issuers: [settings({ run: 'task' })],
    store,
    now: () => NOW_S * 1_000,
    fetch: network.fetch,
  })
  opened.push(created)
  return created
}
const verify = async (by: Identity, claims: Fields) => by.verify(secret(await token({ claims })))

it('a run that was ended is refused with any token that names it, and so is no other', async () => {
  const identity = await open()
  const principal = await verify(identity, { jti: 'a', task: 'nightly' })
  const { id } = await identity.issue(principal, 'shop', 60_000)
  const ends: IdentityEnd[] = []
  identity.onEnded(end => ends.push(end))
  identity.endRun({ principal: principal.id, run: 'nightly' })
  expect(ends.at(-1)).toEqual({
    run: { principal: principal.id, run: 'nightly' },
    reason: 'run_ended',
  })
  expect(identity.list(principal.id).map(each => each.id)).not.toContain(id)
  const refused = { code: 'identity_ended' }
  for (const jti of ['a', 'b'])
    await expect(verify(identity, { jti, task: 'nightly' })).rejects.toMatchObject(refused)
  await verify(identity, { jti: 'a2', task: 'hourly' })
  await verify(identity, { jti: 'a3', sub: 'somebody-else', task: 'nightly' })
})

it('the end of a run outlives a restart, and reaches other nodes on the same store', async () => {
  const [identity, other] = [await open(), await open()]
  const { id } = await verify(identity, { jti: 'a', task: 'nightly' })
  const ends: IdentityEnd[] = []
  other.onEnded(end => ends.push(end))
  identity.endRun({ principal: id, run: 'nightly' })
  await identity.settled()
  await other.refresh()
  expect(ends.map(({ run }) => run)).toContainEqual({ principal: id, run: 'nightly' })
  await expect(verify(other, { jti: 'b', task: 'nightly' })).rejects.toThrow()
  const again = await open()
  expect(again.runEndedAt({ principal: id, run: 'nightly' })).toBe(NOW_S * 1_000)
  await expect(verify(again, { jti: 'c', task: 'nightly' })).rejects.toThrow()
})
