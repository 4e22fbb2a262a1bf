// All commands but those that run a program of their own (`server`, `demo`: main.ts).
import { createRequire } from 'node:module'
import { Command } from 'commander'
import type { CredentialPlugin } from '#model'
import { accessCommands } from './access-commands.ts'
import { auditCommands } from './audit-commands.ts'
import { certificateCommands } from './certificate-commands.ts'
import { channelCommands } from './channel-commands.ts'
import { configCommands } from './config-commands.ts'
import { connectCommand } from './connect-command.ts'
import { loginCommands } from './login-commands.ts'
import { policyCommands } from './policy-commands.ts'
import type { LoadProtocols } from './protocol-facts.ts'
import { reportError } from './report.ts'
import { runCommand } from './run-command.ts'
import { runsCommands } from './runs-commands.ts'
import { sessionCommands } from './session-commands.ts'
import { timeCommands } from './time-commands.ts'
import { withdrawCommand } from './withdraw-command.ts'

const { version: VERSION } = createRequire(import.meta.url)('../../package.json') as {
  version: string
}

/** `protocols` gives the registry, as data; `plugins` are known before it is loaded. */
export function createProgram(
  protocols: LoadProtocols,
  plugins: readonly CredentialPlugin[],
): Command {
  const program = new Command('sallyport')
  program
    .description('The open access gateway: who asked what, on what right, and what they saw.')
    .version(VERSION, '-V, --version')
    .showHelpAfterError('(--help behind a command says what it takes; sallyport --help lists all)')
    .configureHelp({ subcommandTerm: termOf })
    .addHelpText('after', WHERE_TO_GO)
    .exitOverride(error => {
      // Wrong usage is 2; help and version are no error.
      process.exit(error.exitCode === 0 ? 0 : 2)
    })
  loginCommands(program)
  accessCommands(program, protocols, plugins)
  certificateCommands(program)
  timeCommands(program)
  sessionCommands(program)
  channelCommands(program)
  runsCommands(program)
  withdrawCommand(program)
  policyCommands(program, protocols)
  auditCommands(program)
  connectCommand(program, protocols)
  runCommand(program, protocols)
  configCommands(program, protocols)
  return program
}

const WHERE_TO_GO = `
To look around: sallyport demo. Each command says with --help what it takes, and most print JSON with --json.
They find the gateway by SALLYPORT_URL and SALLYPORT_CA, and know you by "sallyport login" or SALLYPORT_TOKEN.`

/** Without `[options]`, which all have: the descriptions get the room. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map(argument => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`
    return argument.required ? `<${name}>` : `[${name}]`
  })
  return [command.name(), ...args].join(' ')
}

/** Prints an error and makes the exit status 1. */
export function fail(error: unknown): void {
  reportError(
    {
      json: false,
      write: text => process.stdout.write(`${text}\n`),
      error: text => process.stderr.write(`${text}\n`),
    },
    error,
  )
  process.exitCode = 1
}
