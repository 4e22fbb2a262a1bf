// HTTP: the whole gateway beside an nginx reverse proxy with one worker, in front of one nginx. wrk asks, curl reads bodies.
import { run } from '../test/servers/programs.ts'
import { compare } from './compare.ts'
import { BIG_BYTES, startHttpTargets } from './http-targets.ts'
import { type CaseResult, interleave, type Sample, type Target } from './method.ts'
import type { Line } from './report.ts'

/** Of all cases, with what each must reach of nginx's rate. The masked one is beside nginx unmasked. */
export const httpCases = {
  many: { name: 'http 1 KB GETs, 32 connections', floor: 0.6 },
  one: { name: 'http 1 KB GETs, 1 connection', floor: 0.6 },
  body: { name: 'http a body of 100 MiB', floor: 0.8 },
  masked: { name: 'http JSON of 5 kB, 3 fields masked', floor: 0.3 },
} as const

export interface HttpBench {
  readonly rounds: number
  /** Of asking, each time. */
  readonly seconds: number
  readonly wanted: (name: string) => boolean
}

/** Measures the cases that are wanted and gives a line of each as it is there. */
export async function* httpLines(
  { rounds, seconds, wanted }: HttpBench,
  raw: CaseResult[],
): AsyncGenerator<Line> {
  const targets = await startHttpTargets()
  const all = [targets.direct, targets.control, targets.nginx, targets.sallyport]
  const measure = async (
    { name, floor }: (typeof httpCases)[keyof typeof httpCases],
    unit: string,
    once: (target: Target) => Promise<Sample>,
  ): Promise<Line> => {
    // Once before the rounds that count: what starts is still compiling.
    for (const target of all) await once(target)
    const result = await interleave(name, unit, all, rounds, once)
    raw.push(result)
    return compare(result, 'nginx', floor)
  }
  const { many, one, body, masked } = httpCases
  try {
    const [plain, hiding] = [targets.fields('plain'), targets.fields('masked')]
    const asking = (path: string, connections: number, fields: readonly string[]) =>
      ((target: Target) => requests(target, { path, connections, seconds, fields })) as (
        target: Target,
      ) => Promise<Sample>
    if (wanted(many.name)) yield await measure(many, 'requests/s', asking('/small', 32, plain))
    if (wanted(one.name)) yield await measure(one, 'requests/s', asking('/small', 1, plain))
    if (wanted(body.name)) yield await measure(body, 'MB/s', target => bigBody(target, plain))
    if (wanted(masked.name))
      yield await measure(masked, 'requests/s', asking('/customers.json', 32, hiding))
  } finally {
    await targets.stop()
  }
}

export interface Asked {
  readonly path: string
  readonly connections: number
  readonly seconds: number
  readonly fields: readonly string[]
}

/** The same GET again and again, on connections that are kept. */
export async function requests({ port }: Target, asked: Asked): Promise<Sample> {
  const fields = asked.fields.flatMap(field => ['-H', field])
  const url = `http://127.0.0.1:${port}${asked.path}`
  const args = [
    '-t1',
    `-c${asked.connections}`,
    `-d${asked.seconds}s`,
    '--latency',
    '--timeout',
    '20s',
    ...fields,
    url,
  ]
  const { stdout } = await run('wrk', args, { timeoutMs: 60_000 })
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout)
  const operations = Number(/(\d+) requests in/.exec(stdout)?.[1])
  const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
  const p50 = microseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(stdout))
  return { rate, operations, ...(p50 === undefined ? {} : { p50 }) }
}

function microseconds(found: RegExpExecArray | null): number | undefined {
  const [, value, unit] = found ?? []
  return value === undefined ? undefined : Number(value) * { us: 1, ms: 1e3, s: 1e6 }[unit as 'us']
}

/** One body on its way, the login included. */
export async function bigBody({ port }: Target, fields: readonly string[]): Promise<Sample> {
  const head = fields.flatMap(field => ['-H', field])
  const said = '%{time_total} %{size_download} %{http_code}'
  const url = `http://127.0.0.1:${port}/big`
  const args = ['-s', '-o', '/dev/null', '-w', said, ...head, url]
  const { stdout } = await run('curl', args, { timeoutMs: 60_000 })
  const [seconds = 0, bytes = 0, status] = stdout.split(' ').map(Number)
  if (bytes !== BIG_BYTES || status !== 200) throw new Error(stdout)
  return { rate: bytes / 1e6 / seconds, operations: bytes / 1e9 }
}
