// The newcomer's first minutes, line by line, in shells of their own.
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { run } from '../test/servers/programs.ts'

test('every line that the demo prints does what it says, and nothing is left behind', async () => {
  const args = [...process.execArgv, 'src/main.ts', 'demo', '--once']
  const ran = await run(process.execPath, args, { timeoutMs: 180_000 })
  expect(ran.stdout + ran.stderr).toContain('Every line did what it says.')
  expect(ran.code).toBe(0)
  const folder = /\. (\/\S*sallyport-demo[^/\s]*)\//.exec(ran.stdout)?.[1]
  expect(folder).toBeDefined()
  expect(existsSync(folder ?? '')).toBe(false)
}, 200_000)
