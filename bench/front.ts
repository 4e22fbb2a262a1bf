// `node bench/front.ts [ROUNDS]`: the HTTP front and the client towards upstreams alone (nothing decided or recorded), beside an nginx
// reverse proxy with one worker, in front of one nginx. Ratios of paired rounds, as everywhere here.
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startNginx } from '../test/servers/nginx.ts'
import { freePort, run } from '../test/servers/programs.ts'
import { best, interleave, ratio, type Sample, type Target } from './method.ts'

const ROUNDS = Number(process.argv[2] ?? 5)
const BIG_BYTES = 100 * 1024 * 1024

const [originPort, proxyPort] = [await freePort(), await freePort()]
const origin = await startNginx(
  originPort,
  `server { listen 127.0.0.1:${originPort}; root FOLDER/root; location / { sendfile on; } }`,
)
writeFileSync(join(origin.folder, 'root', 'small'), 'x'.repeat(1024))
writeFileSync(join(origin.folder, 'root', 'big'), Buffer.alloc(BIG_BYTES, 'y'))
const proxy = await startNginx(
  proxyPort,
  `upstream origin { server 127.0.0.1:${originPort}; keepalive 128; }
   server { listen 127.0.0.1:${proxyPort};
     location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on; proxy_max_temp_file_size 0; } }`,
)
const own = spawn(
  process.execPath,
  [join(import.meta.dirname, 'front-relay.ts'), String(originPort)],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const ownPort = await new Promise<number>(resolve =>
  own.stdout.once('data', said => resolve(Number(said))),
)
const target = (name: string, port: number, pids: readonly number[]): Target => ({
  name,
  port,
  pids,
  database: '',
  user: '',
  password: '',
})
const targets = [
  target('direct', originPort, []),
  target('nginx', proxyPort, [proxy.pid]),
  target('sallyport', ownPort, [own.pid ?? 0]),
]

async function small(connections: number, { port }: Target): Promise<Sample> {
  const url = `http://127.0.0.1:${port}/small`
  const args = ['-t1', `-c${connections}`, '-d2s', '--latency', url]
  const { stdout } = await run('wrk', args, { timeoutMs: 30_000 })
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout)
  const operations = Number(/(\d+) requests in/.exec(stdout)?.[1])
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), operations }
}

async function big({ port }: Target): Promise<Sample> {
  const url = `http://127.0.0.1:${port}/big`
  const args = ['-s', '-o', '/dev/null', '-w', '%{time_total} %{size_download} %{http_code}', url]
  const { stdout } = await run('curl', args, { timeoutMs: 60_000 })
  const [seconds = 0, bytes = 0, status] = stdout.split(' ').map(Number)
  if (bytes !== BIG_BYTES || status !== 200) throw new Error(stdout)
  return { rate: bytes / 1e6 / seconds, operations: bytes / 1e9 }
}

try {
  for (const [name, unit, once] of [
    ['1 KB GETs, 32 connections', 'requests/s', (one: Target) => small(32, one)],
    ['1 KB GETs, 1 connection', 'requests/s', (one: Target) => small(1, one)],
    ['a body of 100 MiB', 'MB/s', big],
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
  await proxy.stop()
  await origin.stop()
}
