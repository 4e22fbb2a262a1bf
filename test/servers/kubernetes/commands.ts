// What runs in a container: a real process on this machine, its streams joined to those of the client.
import { type ChildProcess, spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../programs.ts'

const TERMINAL = join(dirname(fileURLToPath(import.meta.url)), 'terminal.py')

/** A client's streams, whatever framing carries them. */
export interface Channels {
  /** What it types; undefined when it sends none. */
  readonly stdin: Readable | undefined
  stdout(piece: Uint8Array): void
  stderr(piece: Uint8Array): void
  /** Told of each new size of the client's terminal. */
  resized(hear: (columns: number, rows: number) => void): void
  /** Sends the `Status` of the end and closes. */
  end(status: object): void
  /** Told when the client leaves. */
  left(hear: () => void): void
}

export interface Command {
  readonly argv: readonly string[]
  readonly tty: boolean
}

export function runCommand(command: Command, channels: Channels): ChildProcess {
  const { argv, tty } = command
  const [program = '', ...args] = tty ? ['python3', TERMINAL, ...argv] : argv
  const child = spawn(program, args, {
    env: cleanEnvironment({ TERM: 'xterm' }),
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    cwd: '/tmp',
  })
  const { stdin, stdout, stderr } = child
  for (const stream of child.stdio) stream?.on('error', () => {})
  if (channels.stdin) channels.stdin.pipe(stdin)
  else if (!tty) stdin.end()
  stdout.on('data', piece => channels.stdout(piece))
  stderr.on('data', piece => (tty ? channels.stdout(piece) : channels.stderr(piece)))
  const sizes = child.stdio[3] as Writable
  channels.resized((columns, rows) => sizes.write(`${columns} ${rows}\n`))
  channels.left(() => child.kill('SIGKILL'))
  let ended = false
  const end = (status: object) => {
    if (!ended) channels.end(status)
    ended = true
  }
  child.on('error', error => end(failure(`error executing command in container: ${error.message}`)))
  child.on('close', (code, signal) =>
    end(code === 0 ? SUCCESS : exited(code ?? (signal ? 137 : 1))),
  )
  return child
}

export const SUCCESS = { metadata: {}, status: 'Success' }

const exited = (code: number) => ({
  metadata: {},
  status: 'Failure',
  message: `command terminated with non-zero exit code: exit status ${code}`,
  reason: 'NonZeroExitCode',
  details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
})

const failure = (message: string) => ({
  metadata: {},
  status: 'Failure',
  message,
  reason: 'InternalError',
  code: 500,
})
