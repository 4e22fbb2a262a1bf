// `npm run bench`: the ratios of one run, on this machine, against direct access and PgBouncer.
//   --quick      fewer and shorter rounds: for a look, not for a claim
//   --only TEXT  the cases whose name contains TEXT
//   --gate       exit status 1 when a ratio is under its floor
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { analysisLines } from './analysis.ts'
import { httpCases, httpLines } from './http.ts'
import { kubernetesCases, kubernetesLines } from './kubernetes.ts'
import type { CaseResult } from './method.ts'
import { mysqlCases, mysqlLines } from './mysql.ts'
import { postgresLines, postgresNames } from './postgres.ts'
import { type Line, printLines } from './report.ts'
import { sshCases, sshLines } from './ssh.ts'

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    gate: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
})
const quick = options.quick
const rounds = quick ? 3 : 7
const seconds = quick ? 1 : 2
const bigRows = quick ? 200_000 : 1_000_000

// Whatever hangs, the run ends: the servers go with this process.
setTimeout(() => stopHard('the benchmark took too long'), quick ? 600_000 : 2_700_000).unref()
process.once('SIGINT', () => stopHard('interrupted'))

process.exitCode = await main()

async function main(): Promise<number> {
  const wanted = (name: string) => name.includes(options.only)
  const families = [sshCases, httpCases, mysqlCases, kubernetesCases].map(namesOf)
  // Otherwise a slip of the keyboard measures nothing, and every floor holds.
  if (!['analysis', ...postgresNames, ...families.flat()].some(wanted)) {
    console.error(`bench: no case has "${options.only}" in its name`)
    return 2
  }
  console.log(`${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}, Node ${process.version}`)
  console.log(`${rounds} rounds, order shuffled in each; ratios are medians of paired rounds\n`)
  const lines: Line[] = []
  const raw: CaseResult[] = []
  const keep = (line: Line) => {
    lines.push(line)
    printLines([line])
  }
  if (wanted('analysis')) for (const line of await analysisLines()) keep(line)
  if (namesOf(sshCases).some(wanted)) {
    const bench = { rounds, megabytes: quick ? 100 : 400, wanted }
    for await (const line of sshLines(bench, raw)) keep(line)
  }
  if (namesOf(httpCases).some(wanted))
    for await (const line of httpLines({ rounds, seconds: quick ? 3 : 4, wanted }, raw)) keep(line)
  if (namesOf(mysqlCases).some(wanted))
    for await (const line of mysqlLines({ rounds, seconds, rows: bigRows, wanted }, raw)) keep(line)
  if (namesOf(kubernetesCases).some(wanted))
    for await (const line of kubernetesLines({ rounds, wanted }, raw)) keep(line)
  if (postgresNames.some(wanted)) {
    const bench = { quick, rounds, seconds, rows: bigRows, wanted }
    for await (const line of postgresLines(bench, raw)) keep(line)
  }
  const file = save(lines, raw)
  console.log(`\nAll samples: ${file}`)
  const under = lines.filter(line => line.holds === false)
  if (under.length > 0)
    console.log(`${under.length} under the floor: ${under.map(l => l.name).join('; ')}`)
  return options.gate && under.length > 0 ? 1 : 0
}

function namesOf(cases: Readonly<Record<string, { readonly name: string }>>): readonly string[] {
  return Object.values(cases).map(({ name }) => name)
}

function save(lines: readonly Line[], raw: readonly CaseResult[]): string {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'results')
  mkdirSync(folder, { recursive: true })
  const stamp = new Date().toISOString().replaceAll(/[:.]/g, '-')
  const file = join(folder, `${stamp}${quick ? '-quick' : ''}.json`)
  const machine = {
    cpus: cpus().length,
    model: cpus()[0]?.model,
    load: loadavg(),
    node: process.version,
  }
  writeFileSync(file, `${JSON.stringify({ machine, quick, lines, cases: raw }, undefined, 1)}\n`)
  return file
}

function stopHard(why: string): never {
  console.error(`bench: ${why}`)
  process.exit(2)
}
