import { afterAll, expect, it } from 'vitest'
import { Explainer } from './index.ts'

const explainer = new Explainer()
afterAll(() => explainer.close())

it('explains, and answers the same question from what it keeps', async () => {
  const first = await explainer.explain('cat a | grep b')
  expect(first?.commands.map(({ program }) => program)).toEqual(['cat', 'grep'])
  expect(await explainer.explain('cat a | grep b')).toBe(first)
})

it('gives up on a text that takes the grammar seconds, and answers the next one', async () => {
  // (It takes more than a second; fast machines are under the bound that holds by itself.)
  const explainer = new Explainer({ mostMs: 250 })
  expect(await explainer.explain('a|'.repeat(8_000))).toBeUndefined()
  const [slow, quick] = [explainer.explain('a|'.repeat(8_000)), explainer.explain('uptime')]
  expect([await slow, (await quick)?.commands[0]?.program]).toEqual([undefined, 'uptime'])
  await explainer.close()
})
