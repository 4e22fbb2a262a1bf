// Who is remembered, and for how long: on a real store.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Principal } from '#model'
import { type Database, openDatabase } from '#services/db'
import { Directory } from './directory.ts'
import { identityMigrations } from './tables.ts'
import { Writes } from './writes.ts'

const DAY_MS = 86_400_000
let folder: string
let store: Database
let writes: Writes
let now: number
let directory: Directory

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-directory-'))
  store = await openDatabase(join(folder, 'store.db'), [identityMigrations])
  writes = new Writes(store)
  now = 1_000 * DAY_MS
  directory = new Directory(writes, () => now)
})
afterEach(async () => {
  await writes.settled()
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

function seen(id: string): void {
  const principal: Pick<
    Principal,
    'id' | 'kind' | 'name' | 'issuer' | 'groups' | 'owners' | 'actors'
  > = {
    id,
    kind: 'agent',
    name: id,
    issuer: 'https://idp',
    groups: [],
    owners: [],
    actors: [],
  }
  directory.seen(principal as Principal)
}
async function remembered(): Promise<readonly string[]> {
  await writes.settled()
  return (await directory.list({ limit: 50 })).map(({ id }) => id)
}

it('who was not seen for 400 days is forgotten, and known again when they come', async () => {
  seen('old')
  now += 100 * DAY_MS
  seen('newer')
  now += 300 * DAY_MS
  directory.prune()
  expect(await remembered()).toEqual(['newer'])
  seen('old')
  directory.prune()
  expect(await remembered()).toEqual(['old', 'newer'])
})

it('of more than are kept, those not seen for longest are forgotten', async () => {
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    seen(id)
    now += 1_000
  }
  directory.prune(3)
  expect(await remembered()).toEqual(['e', 'd', 'c'])
  directory.prune(3)
  expect(await remembered()).toEqual(['e', 'd', 'c'])
})
