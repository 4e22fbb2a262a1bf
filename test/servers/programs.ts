// Starts programs for the tests: to their end with all they said, or in the background.
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'

export interface Ran {
  /** The exit status; 128 + n when a signal ended it; 124 when it ran out of time. */
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

/** Runs a program to its end. Never throws for what the program does. */
export function run(command: string, args: readonly string[], options: RunOptions = {}) {
  return new Promise<Ran>((resolve, reject) => {
    const child = spawn(command, args, {
      env: cleanEnvironment(options.env),
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const out: Buffer[] = []
    const err: Buffer[] = []
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, options.timeoutMs ?? 20_000)
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
      resolve({
        code: late ? 124 : (code ?? 128 + (signal === 'SIGKILL' ? 9 : 15)),
        stdout: Buffer.concat(out).toString('utf8'),
        stderr: Buffer.concat(err).toString('utf8'),
      })
    })
  })
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

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}

/** Asks until the answer is yes. Throws with `what` when it never is. */
export async function until(
  what: string,
  ask: () => boolean | Promise<boolean>,
  timeoutMs = 10_000,
): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 25))
  }
}

/** The first of the paths that exists. */
export function firstExisting(...paths: readonly string[]): string | undefined {
  return paths.find(path => existsSync(path))
}
