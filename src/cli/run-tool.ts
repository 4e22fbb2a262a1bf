// A program of the user's, in this terminal.
import { spawn } from 'node:child_process'
import { childEnvironment } from '#config'
import { InvalidRequest } from '#model'

/** Gives its exit status; 1 when a signal ended it. Throws InvalidRequest: it cannot be started. */
export function runTool(
  [program, ...args]: readonly string[],
  environment: { readonly [name: string]: string },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { stdio: 'inherit', env: childEnvironment(environment) })
    // The terminal sends Ctrl-C to the tool as well, and it is the tool's to answer, as often as it comes.
    const pass = (signal: NodeJS.Signals): void => {
      if (signal !== 'SIGINT') child.kill(signal)
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, pass)
    child.once('error', () =>
      reject(
        new InvalidRequest('request_invalid', `${program} cannot be started. Is it installed?`),
      ),
    )
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1))
  })
}
