// Drivers of four languages and pgbench, unmodified: each sees through the gateway what it sees on the server.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { run } from '../servers/programs.ts'
import { nodePostgres, postgresJs, type Where } from './clients/node-drivers.ts'
import { libpq18In } from './libpq.ts'
import { type Stage, startStage } from './stage.ts'

const CLIENTS = join(dirname(fileURLToPath(import.meta.url)), 'clients')
const PYTHON = '/usr/bin/python3'
const JAR = '/usr/share/java/postgresql.jar'
let stage: Stage
let folder: string
let libpq18: string | undefined

beforeAll(async () => {
  stage = await startStage()
  folder = mkdtempSync(join(tmpdir(), 'sallyport-drivers-'))
  libpq18 = libpq18In(folder)
})
afterAll(async () => {
  await stage?.stop()
  if (folder) rmSync(folder, { recursive: true, force: true })
})

/** A driver's run, to the server itself and through the gateway. */
async function both<T>(drive: (where: Record<string, string>) => Promise<T>): Promise<[T, T]> {
  return [await drive(stage.direct()), await drive(await stage.through('ana'))]
}

const asWhere = (where: Record<string, string>): Where => ({
  port: Number(where['PGPORT']),
  user: where['PGUSER'] ?? '',
  password: where['PGPASSWORD'] ?? '',
  database: where['PGDATABASE'] ?? '',
  ...(where['PGSSLROOTCERT'] ? { ca: readFileSync(where['PGSSLROOTCERT'], 'utf8') } : {}),
})

test('node-postgres', async () => {
  const [direct, through] = await both(where => nodePostgres(asWhere(where)))
  expect(through).toEqual(direct)
  expect(through.length).toBeGreaterThanOrEqual(10)
})

test('postgres.js', async () => {
  const [direct, through] = await both(where => postgresJs(asWhere(where)))
  expect(through).toEqual(direct)
  expect(through.length).toBeGreaterThanOrEqual(10)
})

describe.each(['libpq of Debian', 'libpq of PostgreSQL 18'])('Python with the %s', which => {
  test.each([
    ['psycopg2', 'drivers.py', 15],
    ['psycopg 3 in pipeline mode', 'pipeline.py', 8],
  ])('%s', async (_name, file, lines) => {
    const library = which.endsWith('18') ? libpq18 : ''
    if (library === undefined) return
    const env = library === '' ? {} : { LD_LIBRARY_PATH: library }
    const [direct, through] = await both(async where => {
      const options = { env: { ...where, ...env } }
      const ran = await run(PYTHON, [join(CLIENTS, file)], options)
      // psycopg's own remark when it leaves an aborted pipeline; on a busy machine, also without a gateway.
      return { ...ran, stderr: ran.stderr.replace(/^error ignored terminating .*\n/gm, '') }
    })
    expect(direct.stderr).toBe('')
    expect(direct.stdout.trim().split('\n').length).toBeGreaterThanOrEqual(lines)
    expect(through).toEqual(direct)
  })
})

test('the JDBC driver', async () => {
  expect(existsSync(JAR)).toBe(true)
  // Where the tests run without a locale, javac would take the text for ASCII.
  const words = ['-encoding', 'UTF-8', '-d', folder, '-cp', JAR, join(CLIENTS, 'Drive.java')]
  const made = await run('javac', words)
  expect(made.stderr).toBe('')
  const [direct, through] = await both(where => {
    const tls = where['PGSSLROOTCERT']
      ? `?sslmode=verify-full&sslrootcert=${where['PGSSLROOTCERT']}`
      : '?sslmode=disable'
    const url = `jdbc:postgresql://127.0.0.1:${where['PGPORT']}/${where['PGDATABASE']}${tls}`
    const args = ['-cp', `${JAR}:${folder}`, 'Drive', url]
    return run('java', [...args, where['PGUSER'] ?? '', where['PGPASSWORD'] ?? ''])
  })
  expect(direct.stderr).toBe('')
  expect(direct.stdout).toContain('cancelled 57014')
  expect(through).toEqual(direct)
})

describe('pgbench', () => {
  test.each(['simple', 'extended', 'prepared'])('the %s protocol', async mode => {
    const where = await stage.through('ana')
    const made = await run('pgbench', ['-i', '-q', '-s', '1'], { env: where })
    expect(made.code, made.stderr).toBe(0)
    for (const script of [['-S'], []]) {
      const args = ['-n', '-M', mode, '-c', '4', '-t', '50', ...script]
      const ran = await run('pgbench', args, { env: where })
      expect(ran.stderr).not.toContain('error')
      expect(ran.stdout).toContain('number of transactions actually processed: 200/200')
      expect(ran.code).toBe(0)
    }
  })

  test('a pipeline of several statements', async () => {
    const script = '\\startpipeline\nselect 1;\nselect 2;\nselect 3;\n\\endpipeline\n'
    const file = join(folder, 'pipeline.sql')
    writeFileSync(file, script)
    const args = ['-n', '-M', 'extended', '-c', '2', '-t', '50', '-f', file]
    const ran = await run('pgbench', args, { env: await stage.through('ana') })
    expect(ran.stderr).not.toContain('error')
    expect(ran.stdout).toContain('number of transactions actually processed: 100/100')
  })

  test('a new session for each transaction', async () => {
    const args = ['-n', '-S', '-C', '-c', '2', '-t', '10']
    const ran = await run('pgbench', args, { env: await stage.through('ana') })
    expect(ran.stdout).toContain('number of transactions actually processed: 20/20')
  })
})
