// SSH: OpenSSH's own programs at one sshd, directly and through Sallyport with everything on. Files lie in memory, so
// that no disk is measured but the one that recordings and the log go to.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { firstExisting, run } from '../test/servers/programs.ts'
import { compare } from './compare.ts'
import { type CaseResult, interleave, type Sample } from './method.ts'
import type { Line } from './report.ts'
import { type SshTarget, startSshTargets } from './ssh-targets.ts'

/** Of all cases, with what each must reach. `ssh host true` may take half as long again: 0.67 of the rate. */
export const sshCases = {
  command: { name: 'ssh host true', floor: 1 / 1.5 },
  exec: { name: 'ssh exec, bulk', floor: 0.5 },
  kept: { name: 'ssh exec, bulk, all of it kept', floor: 0.5 },
  detectors: { name: 'ssh exec, bulk, all detectors', floor: undefined },
  get: { name: 'ssh sftp get', floor: 0.4 },
  put: { name: 'ssh sftp put', floor: 0.4 },
} as const

export interface SshBench {
  readonly rounds: number
  /** Of the file that is carried. */
  readonly megabytes: number
  readonly wanted: (name: string) => boolean
}

/** Measures the cases that are wanted and gives a line of each as it is there. */
export async function* sshLines(
  { rounds, megabytes, wanted }: SshBench,
  raw: CaseResult[],
): AsyncGenerator<Line> {
  const folder = mkdtempSync(join(firstExisting('/dev/shm') ?? tmpdir(), 'sallyport-bench-'))
  const file = join(folder, 'log.txt')
  writeFileSync(file, logLines(megabytes * 1_000_000))
  const targets = await startSshTargets()
  const measure = async (
    { name, floor }: (typeof sshCases)[keyof typeof sshCases],
    unit: string,
    through: SshTarget,
    once: (target: SshTarget) => Promise<Sample>,
  ): Promise<Line> => {
    const all = [targets.direct, targets.control, through]
    // Once before the rounds that count: what starts is still compiling.
    for (const target of all) await once(target)
    const result = await interleave(name, unit, all, rounds, once)
    raw.push(result)
    return compare(result, 'direct', floor)
  }
  const exec = (target: SshTarget) => carried(target, ['ssh', ['bench', `cat ${file}`]], megabytes)
  const copy = (target: SshTarget, step: string) =>
    carried(target, ['sftp', ['-o', 'BatchMode=no', '-b', '-', 'bench']], megabytes, `${step}\n`)
  const { command, exec: plain, kept, detectors, get, put } = sshCases
  try {
    const { sallyport } = targets
    if (wanted(command.name)) yield await measure(command, 'commands/s', sallyport, commands)
    if (wanted(plain.name)) yield await measure(plain, 'MB/s', sallyport, exec)
    if (wanted(kept.name)) yield await measure(kept, 'MB/s', targets.keeping, exec)
    if (wanted(detectors.name)) yield await measure(detectors, 'MB/s', targets.scanning, exec)
    if (wanted(get.name))
      yield await measure(get, 'MB/s', sallyport, each => copy(each, `get ${file} ${folder}/got`))
    if (wanted(put.name))
      yield await measure(put, 'MB/s', sallyport, each => copy(each, `put ${file} ${folder}/put`))
  } finally {
    await targets.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One after another, each with a login of its own. */
async function commands(target: SshTarget): Promise<Sample> {
  const operations = 8
  const begun = process.hrtime.bigint()
  for (let done = 0; done < operations; done += 1) await told(target, ['ssh', ['bench', 'true']])
  return { rate: operations / secondsSince(begun), operations }
}

/** A file on its way, the login included. */
async function carried(
  target: SshTarget,
  command: [string, string[]],
  megabytes: number,
  input = '',
): Promise<Sample> {
  const begun = process.hrtime.bigint()
  await told(target, command, input)
  return { rate: megabytes / secondsSince(begun), operations: megabytes }
}

async function told(
  { name, options, environment }: SshTarget,
  [program, args]: [string, string[]],
  input = '',
): Promise<void> {
  // What it says is thrown away where it is said: this process would be what is measured.
  const words = [program, ...options, ...args].map(quoted).join(' ')
  const done = await run('/bin/sh', ['-c', `exec ${words} > /dev/null`], {
    env: environment,
    input,
    timeoutMs: 300_000,
  })
  if (done.code !== 0) throw new Error(`${program} at ${name} failed:\n${done.stderr}`)
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

function secondsSince(begun: bigint): number {
  return Number(process.hrtime.bigint() - begun) / 1e9
}

/** What a service writes: a time, a number, a path, an address. It compresses as such files do. */
function logLines(bytes: number): Buffer {
  const text = Buffer.allocUnsafe(bytes)
  for (let at = 0, line = 0; at < bytes; line += 1) {
    const time = new Date(1.7e12 + line * 137).toISOString()
    at += text.write(
      `${time} INFO request=${(line * 2654435761) % 1e9} GET /orders/${line % 4096} 200 from 10.0.${line % 200}.${line % 250} in ${line % 97} ms\n`,
      at,
      'latin1',
    )
  }
  return text
}
