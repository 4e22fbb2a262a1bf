import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createHttp } from './index.ts'
import { checkDocument, Readings } from './reading.ts'
import { httpSettings } from './settings.ts'

let folder: string
let file: string
let at = 1
const write = (text: string) => {
  writeFileSync(file, text)
  // Two edits within one tick of the clock are two.
  at += 10
  utimesSync(file, at, at)
}
const GOOD = 'openapi: 3.1.0\npaths:\n  /a:\n    get: { operationId: readA }\n'
const BAD = `${GOOD}    put: { operationId: readA }\n`
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-reading-'))
  file = join(folder, 'api.yaml')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const settings = () => httpSettings.parse({ url: 'https://api.test', openapi: `file:${file}` })

it('the check of the configuration reads documents, and says file, line and reason', () => {
  const check = () => createHttp().checkFiles?.(settings())
  write(GOOD)
  expect(check()).toEqual([])
  write(BAD)
  expect(check()).toEqual([
    {
      path: ['openapi'],
      message: `${file}:5:12: OpenAPI: the operationId readA is there twice`,
    },
  ])
  rmSync(file)
  expect(check()).toEqual([{ path: ['openapi'], message: `${file} cannot be read (ENOENT)` }])
  // A route of the operator's own stands in the place of the document's.
  write(GOOD)
  expect(checkDocument({ ...settings(), routes: [{ route: 'GET /a' }] })).toEqual([])
})

it('a document that no longer holds leaves in force what was read before, and that is said once', async () => {
  const readings = new Readings()
  const one = settings()
  write(GOOD)
  const said: string[] = []
  const read = () => readings.of(one, error => said.push(error.message))
  const first = await read()
  write(BAD)
  expect(await read()).toBe(first)
  expect(await read()).toBe(first)
  rmSync(file)
  expect(await read()).toBe(first)
  expect(said.length).toBe(2)
  write(`${GOOD}    put: { operationId: writeA }\n`)
  const next = await read()
  expect(next.routes?.size).toBe(2)
  write(BAD)
  expect(await read()).toBe(next)
  expect(said.length).toBe(3)
})

it('one that never held closes the resource, and tells clients nothing of files', async () => {
  write(BAD)
  await expect(new Readings().of(settings())).rejects.toThrow(
    'the API document of this resource does not hold',
  )
})
