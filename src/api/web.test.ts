import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import fastify from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Web } from './web.ts'

const SCRIPT = 'console.log("as it was built")\n'.repeat(200)
let folder: string
const server = fastify()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-web-'))
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Sallyport</title>')
  writeFileSync(join(folder, 'assets', 'main-1.js'), SCRIPT)
  const web = Web.read(folder)
  server.setNotFoundHandler(
    (request, reply) => web?.answer(request, reply) ?? reply.code(404).send('nothing'),
  )
})
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (url: string, encoding = '', accept = '*/*') =>
  server.inject({ url, headers: { accept, 'accept-encoding': encoding } })

describe('the console’s files', () => {
  it('are none where nothing was built', () => {
    expect(Web.read(join(folder, 'assets'))).toBeUndefined()
  })

  it('go out compressed to many that ask at once and take brotli, and as they are to others', async () => {
    const url = '/assets/main-1.js'
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => ask(url, 'gzip, deflate, br')),
    )
    for (const answer of answers) {
      expect(answer.headers).toMatchObject({
        'content-encoding': 'br',
        'content-type': 'text/javascript; charset=utf-8',
        vary: 'accept-encoding',
      })
      expect(brotliDecompressSync(answer.rawPayload).toString()).toBe(SCRIPT)
      expect(answer.rawPayload.length).toBeLessThan(SCRIPT.length / 10)
    }
    const plain = await ask(url, 'gzip')
    expect([plain.headers['content-encoding'], plain.payload]).toEqual([undefined, SCRIPT])
  })

  it('last where their names change with their content, and show the console at any page’s address', async () => {
    expect((await ask('/assets/main-1.js')).headers['cache-control']).toContain('immutable')
    const page = await ask('/sessions/ses-1', 'br', 'text/html')
    expect(page.headers['cache-control']).toBe('no-cache')
    expect(brotliDecompressSync(page.rawPayload).toString()).toContain('Sallyport')
    for (const url of ['/api/v1/none', '/assets/main-2.js'])
      expect((await ask(url, 'br')).statusCode).toBe(404)
  })
})
