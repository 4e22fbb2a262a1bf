// The method that makes ratios hold on a noisy machine: targets take turns within each round, in an order
// that changes, and only figures of the same round are divided by each other. CPU time is taken beside it.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** One target in one round: how much, and what the proxy's processes burned for it. */
export interface Sample {
  /** What the case counts, per second. More is better. */
  readonly rate: number
  /** How many were done. */
  readonly operations: number
  /** Median latency in microseconds, where the case has one. */
  readonly p50?: number
  readonly p99?: number
}

export interface Measured extends Sample {
  /** CPU seconds of the target's own processes (not of the database, not of the client). */
  readonly cpu: number
}

export interface Target {
  readonly name: string
  readonly port: number
  readonly database: string
  readonly user: string
  readonly password: string
  /** The processes in between; none for direct access. */
  readonly pids: readonly number[]
}

export interface CaseResult {
  readonly name: string
  readonly unit: string
  readonly rounds: readonly {
    readonly order: string[]
    readonly samples: Record<string, Measured>
  }[]
}

const TICKS = ticksPerSecond()

/** Runs `once` on each target in each round. A round in which a target fails is an error: nothing is left out. */
export async function interleave<Kind extends Target>(
  name: string,
  unit: string,
  targets: readonly Kind[],
  rounds: number,
  once: (target: Kind) => Promise<Sample>,
): Promise<CaseResult> {
  const results: CaseResult['rounds'][number][] = []
  for (let round = 0; round < rounds; round += 1) {
    const samples: Record<string, Measured> = {}
    const order = shuffled(targets)
    for (const target of order) {
      const before = cpuSeconds(target.pids)
      const sample = await once(target)
      samples[target.name] = { ...sample, cpu: cpuSeconds(target.pids) - before }
    }
    results.push({ order: order.map(target => target.name), samples })
  }
  return { name, unit, rounds: results }
}

/** The median over the rounds of `target` / `base` within the round, and its quartiles. */
export function ratio(result: CaseResult, target: string, base: string) {
  const ratios = result.rounds.flatMap(({ samples }) => {
    const [above, below] = [samples[target], samples[base]]
    return above && below && below.rate > 0 ? [above.rate / below.rate] : []
  })
  return {
    median: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
  }
}

/** The best rate of a target, its best median latency, and its least CPU per operation (microseconds). */
export function best(result: CaseResult, target: string) {
  const samples = result.rounds.flatMap(({ samples }) => samples[target] ?? [])
  const p50s = samples.flatMap(sample => sample.p50 ?? [])
  return {
    rate: Math.max(...samples.map(sample => sample.rate)),
    p50: p50s.length > 0 ? Math.min(...p50s) : undefined,
    cpuPerOperation: Math.min(
      ...samples.map(sample => (sample.cpu * 1e6) / Math.max(1, sample.operations)),
    ),
  }
}

/** The median over the rounds of the difference of median latencies, in microseconds. */
export function addedLatency(result: CaseResult, target: string, base: string): number {
  const differences = result.rounds.flatMap(({ samples }) => {
    const [above, below] = [samples[target]?.p50, samples[base]?.p50]
    return above !== undefined && below !== undefined ? [above - below] : []
  })
  return quantile(differences, 0.5)
}

/** A quantile by linear interpolation; NaN of nothing. */
export function quantile(values: readonly number[], at: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  if (sorted.length === 0) return Number.NaN
  const place = (sorted.length - 1) * at
  const [low, high] = [sorted[Math.floor(place)] ?? 0, sorted[Math.ceil(place)] ?? 0]
  return low + (high - low) * (place - Math.floor(place))
}

/** User and system time of processes and their descendants so far, in seconds (proc(5), fields 14 to 15). */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0
  for (const pid of family(pids)) {
    const fields = statOf(pid)
    if (fields) ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / TICKS
}

/** Resident memory of processes and their descendants, in bytes. */
export function residentBytes(pids: readonly number[]): number {
  let bytes = 0
  for (const pid of family(pids)) {
    const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readOrEmpty(`/proc/${pid}/status`))
    bytes += Number(kilobytes?.[1] ?? 0) * 1024
  }
  return bytes
}

function family(pids: readonly number[]): readonly number[] {
  if (pids.length === 0) return []
  const found = new Set(pids)
  const parents = readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .map(name => [Number(name), Number(statOf(Number(name))?.[1] ?? 0)] as const)
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, parent] of parents) {
      if (!found.has(pid) && found.has(parent)) grown = found.add(pid) !== undefined
    }
  }
  return [...found]
}

/** The fields of /proc/PID/stat from the third (state) on: the second may hold spaces. */
function statOf(pid: number): string[] | undefined {
  const text = readOrEmpty(`/proc/${pid}/stat`)
  return text === '' ? undefined : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // The process has ended since it was listed: it counts for nothing.
    return ''
  }
}

function ticksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100
  } catch {
    // No getconf: 100 on every Linux that we know.
    return 100
  }
}

function shuffled<T>(values: readonly T[]): T[] {
  const mixed = [...values]
  for (let index = mixed.length - 1; index > 0; index -= 1) {
    const other = Math.floor(Math.random() * (index + 1))
    const [a, b] = [mixed[index], mixed[other]]
    if (a !== undefined && b !== undefined) [mixed[index], mixed[other]] = [b, a]
  }
  return mixed
}
