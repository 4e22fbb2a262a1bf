// `node bench/front.ts [ROUNDS]`: the HTTP front and the client towards upstreams alone (nothing decided or recorded), beside an nginx
// reverse proxy with one worker, in front of one nginx. Ratios of paired rounds, as everywhere here.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { bigBody, requests } from './http.ts'
import { startNginxes, target } from './http-targets.ts'
import { best, interleave, ratio, type Target } from './method.ts'

const ROUNDS = Number(process.argv[2] ?? 5)

const stops: (() => Promise<unknown>)[] = []
const { direct, nginx } = await startNginxes(stops)
const own = spawn(
  process.execPath,
  [join(import.meta.dirname, 'front-relay.ts'), String(direct.port)],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const ownPort = await new Promise<number>(resolve =>
  own.stdout.once('data', said => resolve(Number(said))),
)
const targets = [direct, nginx, target('sallyport', ownPort, [own.pid ?? 0])]
const small = (connections: number) => (one: Target) =>
  requests(one, { path: '/small', connections, seconds: 2, fields: [] })

try {
  for (const [name, unit, once] of [
    ['1 KB GETs, 32 connections', 'requests/s', small(32)],
    ['1 KB GETs, 1 connection', 'requests/s', small(1)],
    ['a body of 100 MiB', 'MB/s', (one: Target) => bigBody(one, [])],
  ] as const) {
    for (const one of targets) await once(one)
    const result = await interleave(name, unit, targets, ROUNDS, once)
    const found = ratio(result, 'sallyport', 'nginx')
    console.log(
      `${name}: ${found.median.toFixed(2)} of nginx (${found.low.toFixed(2)}-${found.high.toFixed(2)})`,
    )
    for (const each of targets) {
      const { rate, cpuPerOperation } = best(result, each.name)
      const cpu = each.pids.length === 0 ? '' : `, ${cpuPerOperation.toFixed(1)} us CPU each`
      console.log(`  ${each.name}: best ${Math.round(rate).toLocaleString('en')} ${unit}${cpu}`)
    }
  }
} finally {
  own.kill()
  for (const stop of stops.reverse()) await stop()
}
