// What each command runs in: where to print, which gateway to call, how it ends.
import { once } from 'node:events'
import { type Command, Option } from 'commander'
import { environment } from '#config'
import { InvalidRequest } from '#model'
import { GatewayClient } from './gateway-client.ts'
import { type Output, reportError } from './report.ts'
import { readSignIn } from './sign-in-file.ts'

const DEFAULT_GATEWAY = 'https://127.0.0.1:8443'

/** A command that makes no sense as it was typed: exit status 2. */
export class WrongUsage extends InvalidRequest {
  constructor(message: string, hint?: string) {
    super('request_invalid', message, hint === undefined ? {} : { hint })
  }
}

/** What `count` and the like take. */
export function wholeNumber(option: string, text: string, least = 0): number {
  const value = Number(text)
  if (!/^\d{1,15}$/.test(text) || value < least)
    throw new WrongUsage(`${option} takes a whole number${least > 0 ? `, ${least} or more` : ''}.`)
  return value
}

export interface Invocation {
  readonly output: Output
  /** Prints it as it is; resolves when the reader takes more. */
  pass(piece: Uint8Array): Promise<void>
  client(): GatewayClient
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal
}

/**
 * Adds `--json`, `--gateway` and `--ca` to a command and runs it: 0 when it returns, 1 when it throws, 2 when it
 * throws WrongUsage, or what it returns when that is a number. Ctrl-C aborts `signal`; what waits for nothing
 * but that ends with 0. `here`: it asks no gateway, so its help does not speak of one.
 */
export function runs(
  command: Command,
  action: (invocation: Invocation, ...args: string[]) => Promise<unknown>,
  { here = false } = {},
): Command {
  return command
    .option('--json', 'print one JSON value')
    .addOption(
      new Option('--gateway <url>', 'address of the gateway (or SALLYPORT_URL)').hideHelp(here),
    )
    .addOption(
      new Option('--ca <file>', "the gateway's CA certificate (or SALLYPORT_CA)").hideHelp(here),
    )
    .action(async (...given: unknown[]) => {
      const options = command.opts<{ json?: boolean; gateway?: string; ca?: string }>()
      const output: Output = {
        json: options.json === true,
        write: text => process.stdout.write(`${text}\n`),
        error: text => process.stderr.write(`${text}\n`),
      }
      const stop = new AbortController()
      process.once('SIGINT', () => stop.abort())
      // A reader that has seen enough (`| head`) is no failure.
      process.stdout.on('error', error => {
        if ('code' in error && error.code === 'EPIPE') process.exit(0)
        throw error
      })
      const url = options.gateway ?? environment('SALLYPORT_URL') ?? DEFAULT_GATEWAY
      const invocation: Invocation = {
        output,
        pass: async piece => {
          if (!process.stdout.write(piece)) await once(process.stdout, 'drain')
        },
        signal: stop.signal,
        client: () =>
          new GatewayClient({
            url,
            token: environment('SALLYPORT_TOKEN') ?? readSignIn(url)?.token,
            ca: options.ca ?? environment('SALLYPORT_CA'),
            signal: stop.signal,
          }),
      }
      // commander hands the arguments, then the options, then the command.
      const args = given
        .slice(0, -2)
        .flat()
        .filter(arg => typeof arg === 'string')
      try {
        const status = await action(invocation, ...args)
        process.exitCode = typeof status === 'number' ? status : 0
      } catch (error) {
        // The border of the program: every error is printed and ends with status 1.
        reportError(output, error)
        process.exitCode = error instanceof WrongUsage ? 2 : 1
      }
    })
}
