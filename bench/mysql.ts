// MySQL: sysbench and a big answer at one MariaDB, directly, through HAProxy in TCP mode, and through Sallyport with
// everything on. No leg has TLS, for none of the three.
import { startIssuer } from '../demo/index.ts'
import { startGateway } from '../test/servers/gateway.ts'
import { startHaproxy } from '../test/servers/haproxy.ts'
import { startMariadb } from '../test/servers/mariadb.ts'
import { openMysql } from '../test/servers/mysql-client.ts'
import { run } from '../test/servers/programs.ts'
import { compare } from './compare.ts'
import { type CaseResult, interleave, type Sample, type Target } from './method.ts'
import type { Line } from './report.ts'

/** Of all cases, with what each must reach: of HAProxy, and of direct access. */
export const mysqlCases = {
  text: { name: 'mysql point select, text, 8 clients', proxy: 0.7, direct: undefined },
  prepared: { name: 'mysql point select, prepared, 8 clients', proxy: 0.7, direct: undefined },
  alone: { name: 'mysql point select, prepared, 1 client', proxy: undefined, direct: undefined },
  sessions: { name: 'mysql new sessions', proxy: undefined, direct: undefined },
  big: { name: 'mysql big answer, one column masked', proxy: undefined, direct: 0.6 },
} as const

export interface MysqlBench {
  readonly rounds: number
  readonly seconds: number
  readonly rows: number
  readonly wanted: (name: string) => boolean
}

const POLICY = `
@id("bench-does-all")
permit (principal is Agent, action in [Action::"connect", Action::"read", Action::"write", Action::"execute"], resource in Resource::"bench");
`

/** Measures the cases that are wanted and gives lines of each as they are there. */
export async function* mysqlLines(bench: MysqlBench, raw: CaseResult[]): AsyncGenerator<Line> {
  const { rounds, seconds, rows, wanted } = bench
  const stops: (() => Promise<unknown>)[] = []
  try {
    const targets = await startTargets(rows, stops)
    const all = [targets.direct, targets.control, ...targets.proxies, targets.sallyport]
    const measure = async function* (
      { name, proxy, direct }: (typeof mysqlCases)[keyof typeof mysqlCases],
      unit: string,
      once: (target: Target) => Promise<Sample>,
    ) {
      if (!wanted(name)) return
      // Once before the rounds that count: what starts is still compiling.
      for (const target of all) await once(target)
      const result = await interleave(name, unit, all, rounds, once)
      raw.push(result)
      if (targets.proxies.length > 0) yield compare(result, 'haproxy', proxy)
      yield compare(result, 'direct', direct)
    }
    const select = (mode: string, threads: number) => (target: Target) =>
      sysbench(target, [`--db-ps-mode=${mode}`, `--threads=${threads}`, `--time=${seconds}`])
    yield* measure(mysqlCases.text, 'queries/s', select('disable', 8))
    yield* measure(mysqlCases.prepared, 'queries/s', select('auto', 8))
    yield* measure(mysqlCases.alone, 'queries/s', select('auto', 1))
    yield* measure(mysqlCases.sessions, 'sessions/s', target => logins(target, seconds))
    yield* measure(mysqlCases.big, 'rows/s', target => bigAnswer(target, rows))
  } finally {
    for (const stop of stops.reverse()) await stop()
  }
}

async function startTargets(rows: number, stops: (() => Promise<unknown>)[]) {
  const server = await startMariadb({
    database: 'bench',
    settings: { 'innodb-buffer-pool-size': '512M', 'max-connections': '600' },
    init: `create table big (id int primary key, name varchar(60), email varchar(80), phone varchar(30), note varchar(120), amount varchar(20));
      insert into big select seq, concat('Customer Number ', seq), concat('user', seq, '@example.com'), concat('+1-202-555-', lpad(seq % 10000, 4, '0')),
        concat('Lorem ipsum dolor sit amet consectetur ', md5(seq), ' order note'), seq * 1.37 from seq_1_to_${rows};`,
  })
  stops.push(() => server.stop())
  const plain = { database: 'bench', user: server.user, password: server.password }
  const direct: Target = { ...plain, name: 'direct', port: server.port, pids: [] }
  const made = await sysbench(direct, [], 'prepare')
  if (made.rate !== 0) throw new Error('sysbench prepared nothing')
  const proxy = await startHaproxy(server.port)
  if (proxy) stops.push(() => proxy.stop())
  const issuer = await startIssuer()
  stops.push(() => issuer.stop())
  const gateway = await startGateway({
    issuers: [
      {
        issuer: issuer.url,
        audience: 'sallyport',
        profile: 'rfc9068',
        groups: 'groups',
        principal: 'agent',
      },
    ],
    resources: [
      {
        name: 'bench',
        protocol: 'mysql',
        upstream: { host: '127.0.0.1', port: server.port, database: 'bench', tls: 'disable' },
        credential: { user: server.user, password: 'env:UPSTREAM_PASSWORD' },
      },
    ],
    dataClasses: { email: { columns: ['*.big.email'], mask: 'redact' } },
    policies: { 'bench.cedar': POLICY },
    settings: { limits: { sessionsPerPrincipal: 2000 } },
    env: { UPSTREAM_PASSWORD: server.password },
    listener: 'mysql',
    allowPlaintext: true,
  })
  stops.push(() => gateway.remove())
  const token = await issuer.token({ client: 'order-bot' })
  const sallyport: Target = {
    name: 'sallyport',
    database: 'bench',
    user: 'order-bot',
    password: token,
    port: gateway.port,
    pids: [gateway.pid],
  }
  return {
    direct,
    control: { ...direct, name: 'direct again' },
    proxies: proxy ? [{ ...plain, name: 'haproxy', port: proxy.port, pids: [proxy.pid] }] : [],
    sallyport,
  }
}

async function sysbench(target: Target, more: readonly string[], step = 'run'): Promise<Sample> {
  const done = await run(
    'sysbench',
    [
      ...['oltp_point_select', '--db-driver=mysql', '--mysql-host=127.0.0.1', '--mysql-ssl=off'],
      ...[
        `--mysql-port=${target.port}`,
        `--mysql-user=${target.user}`,
        `--mysql-db=${target.database}`,
      ],
      ...[
        `--mysql-password=${target.password}`,
        '--tables=1',
        '--table-size=10000',
        '--percentile=99',
      ],
      ...more,
      step,
    ],
    // Its threads race to load a plug-in, and one that comes second fails: it is there before they start.
    { env: { LIBMYSQL_PLUGINS: 'mysql_clear_password' }, timeoutMs: 120_000 },
  )
  if (done.code !== 0)
    throw new Error(`sysbench on ${target.name} failed:\n${done.stdout}${done.stderr}`)
  if (step !== 'run') return { rate: 0, operations: 0 }
  const [, operations, rate] = /queries: +(\d+) +\(([\d.]+) per sec/.exec(done.stdout) ?? []
  const middle = /avg: +([\d.]+)/.exec(done.stdout)?.[1]
  return {
    rate: Number(rate),
    operations: Number(operations),
    ...(middle === undefined ? {} : { p50: Number(middle) * 1000 }),
  }
}

async function logins(target: Target, seconds: number): Promise<Sample> {
  const until = performance.now() + seconds * 1000
  let operations = 0
  const one = async () => {
    while (performance.now() < until) {
      const client = await openMysql({ ...target, tls: false })
      await client.query('select 1')
      client.end()
      operations += 1
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: 8 }, one))
  return { rate: (operations * 1000) / (performance.now() - began), operations }
}

/** Reads on a bare socket and looks for the end only: the client must not be what is measured. */
async function bigAnswer(target: Target, rows: number): Promise<Sample> {
  const client = await openMysql({ ...target, tls: false })
  const { socket } = client.packets
  socket.removeAllListeners('data')
  const began = performance.now()
  let bytes = 0
  let tail = Buffer.alloc(0)
  await new Promise<void>((resolve, reject) => {
    socket.on('close', () => reject(new Error(`${target.name} left in the middle`)))
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      tail = Buffer.from(
        chunk.length >= 9 ? chunk.subarray(-9) : Buffer.concat([tail, chunk]).subarray(-9),
      )
      // EOF: five bytes that begin with 0xfe.
      if (bytes > rows && tail.readUIntLE(0, 3) === 5 && tail[4] === 0xfe) resolve()
    })
    client.packets.command(
      Buffer.from('\x03select id, name, email, phone, note, amount from big', 'latin1'),
    )
  })
  const seconds = (performance.now() - began) / 1000
  socket.removeAllListeners('close')
  client.destroy()
  return { rate: rows / seconds, operations: rows }
}
