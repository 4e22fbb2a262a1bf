import { expect, it } from 'vitest'
import { UpstreamError } from '#model'
import { PluginCredentials } from './plugin-credentials.ts'

const settings = { command: ['plugin'] }

/** A program that counts how often it ran, and says when what it gives ends. */
function plugin(lasts: number | undefined) {
  const ran: string[] = []
  const credentials = new PluginCredentials(async () => {
    ran.push(`token ${ran.length}`)
    return {
      token: ran.at(-1),
      expiresAt: lasts === undefined ? undefined : Date.now() + lasts,
    }
  })
  return { ran, credentials }
}

it('is asked for once, however many sessions want it at once and later', async () => {
  const { ran, credentials } = plugin(3_600_000)
  const both = await Promise.all([
    credentials.of('a', settings, {}),
    credentials.of('a', settings, {}),
  ])
  expect([...both, await credentials.of('a', settings, {})].map(({ token }) => token)).toEqual([
    'token 0',
    'token 0',
    'token 0',
  ])
  expect(ran).toHaveLength(1)
})

it('is asked for again when it has ended', async () => {
  const { ran, credentials } = plugin(0)
  await credentials.of('a', settings, {})
  await credentials.of('a', settings, {})
  expect(ran).toHaveLength(2)
})

it('is one resource’s own, of one environment', async () => {
  const { ran, credentials } = plugin(undefined)
  await credentials.of('a', settings, { KEY: '1' })
  await credentials.of('b', settings, { KEY: '1' })
  await credentials.of('a', settings, { KEY: '2' })
  expect(ran).toHaveLength(3)
})

it('is not asked for again at once because a cluster takes nothing that it gives', async () => {
  const { credentials } = plugin(3_600_000)
  expect((await credentials.of('a', settings, {})).refused()).toBe(false)
  const { ran, credentials: short } = plugin(0)
  const first = await short.of('a', settings, {})
  await short.of('a', settings, {})
  // Another was given meanwhile: whoever has the first may have that one.
  expect(first.refused()).toBe(true)
  expect(ran).toHaveLength(2)
})

it('that failed is asked for by the next request', async () => {
  let runs = 0
  const credentials = new PluginCredentials(async () => {
    runs += 1
    if (runs === 1) throw new UpstreamError('upstream_refused', 'it failed')
    return { token: 'second' }
  })
  await expect(credentials.of('a', settings, {})).rejects.toThrow('it failed')
  expect(await credentials.of('a', settings, {})).toMatchObject({ token: 'second' })
})
