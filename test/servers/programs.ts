// Starts programs for the tests: to their end with all they said, or in the background. Waits are long: on a busy machine
// what takes a second may take twenty, and a long bound costs nothing where what is waited for comes.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

export interface Ran {
  /** The exit status; 128 + n when a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string | Uint8Array
  readonly timeoutMs?: number
  readonly cwd?: string
  /** Called with what it says as it says it. */
  readonly hear?: (piece: string) => void
}

/** Runs a program to its end. Throws when that does not come in time, and for nothing else that the program does. */
export function run(command: string, args: readonly string[], options: RunOptions = {}) {
  const ran = new Promise<Ran>((resolve, reject) => {
    const child = spawn(command, args, {
      env: cleanEnvironment(options.env),
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let late = false
    const mostMs = options.timeoutMs ?? 100_000
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, mostMs)
    child.stdout.on('data', chunk => out.push(chunk))
    child.stderr.on('data', chunk => err.push(chunk))
    const { hear } = options
    if (hear !== undefined)
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', chunk => hear(chunk.toString('utf8')))
    // A program that leaves before it read its input is a result, not a failure of ours.
    child.stdin.on('error', () => {})
    child.stdin.end(options.input ?? '')
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const stdout = Buffer.concat(out).toString('utf8')
      const stderr = Buffer.concat(err).toString('utf8')
      if (late) {
        const said = `${stdout}\n${stderr}`.slice(-2_000)
        reject(new Error(`waited ${mostMs} ms in vain for ${command} to end: ${said}`))
      } else {
        resolve({ code: code ?? 128 + (signal === 'SIGKILL' ? 9 : 15), stdout, stderr })
      }
    })
  })
  // Whoever waits for it is told; one that nobody waits for any more fails no other test.
  ran.catch(() => {})
  return ran
}

/** The environment without anything that would steer a PostgreSQL or Sallyport client. */
export function cleanEnvironment(more: RunOptions['env'] = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(PG|SALLYPORT_|NODE_OPTIONS|VITEST|LD_)/.test(name),
  )
  // Nobody's ~/.psqlrc, ~/.pgpass or service file takes part.
  const base = { ...Object.fromEntries(kept), PSQLRC: '/dev/null', PGPASSFILE: '/nonexistent' }
  return { ...base, ...more }
}

/** Waits until a child has ended, at most so long; true when it has. */
export function ended(child: ChildProcess, timeoutMs: number): Promise<boolean> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(true)
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(false), timeoutMs)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve(true)
    })
  })
}

/** Asks until the answer is yes. Throws with `what` when it never is. */
export async function until(
  what: string,
  ask: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

/** Looks until there is something. Throws with `what` when there never is. */
export async function found<Value>(
  what: string,
  look: () => Value | undefined | Promise<Value | undefined>,
  timeoutMs = 30_000,
): Promise<Value> {
  let seen: Value | undefined
  const ask = async () => {
    seen = await look()
    return seen !== undefined
  }
  await until(what, ask, timeoutMs)
  return seen as Value
}

/** A promise about time. Throws as a wait does: with other work beside, a broken one says little (test/waits.ts). */
export function within(mostMs: number, tookMs: number, what = 'it'): void {
  if (tookMs >= mostMs) throw new Error(`${what} took ${tookMs} ms, not within ${mostMs} ms`)
}

/** The first of the paths that exists. */
export function firstExisting(...paths: readonly string[]): string | undefined {
  return paths.find(path => existsSync(path))
}
