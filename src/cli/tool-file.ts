// The file in which a native tool reads of its servers: for as long as a local port is open, or for good.
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { ResourceView } from '#contract'
import { type Endpoint, InvalidRequest, type ToolFile } from '#model'
import { colors } from './colors.ts'
import { type GatewayClient, readCa } from './gateway-client.ts'
import type { Invocation } from './invocation.ts'
import { ownFolder, writeWhole } from './own-files.ts'
import type { Protocol } from './protocol-facts.ts'
import { plain, print } from './report.ts'

export interface HeldFile {
  readonly environment: { readonly [name: string]: string }
  remove(): void
}

/** There until it is removed. */
export function temporaryFile(file: ToolFile, endpoint: Omit<Endpoint, 'ca'>): HeldFile {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
  const path = join(folder, file.name)
  writeWhole(path, file.local(endpoint))
  return {
    environment: { [file.variable]: path },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** `given` undefined: a file of our own, which then uses this resource. In another's file all else stays as it is. */
export function writeToolFile(
  { output }: Invocation,
  client: GatewayClient,
  resource: ResourceView,
  { tool }: Protocol,
  given: string | undefined,
): void {
  const { file } = tool
  if (file === undefined)
    throw new InvalidRequest(
      'request_invalid',
      `${tool.command[0]} reads of its servers in no file: --write does nothing for it.`,
      { hint: `sallyport connect ${resource.name} opens a local port.` },
    )
  if (resource.endpoint === undefined)
    throw new InvalidRequest(
      'request_invalid',
      `The gateway listens nowhere for ${resource.label ?? resource.protocol}.`,
      {
        hint: `Whoever runs it sets listen.${resource.protocol} in sallyport.yaml, and starts it again.`,
      },
    )
  const path = given === undefined ? join(ownFolder(), file.name) : linked(resolve(given))
  const entry = {
    host: hostFor(client, resource.endpoint.host),
    port: resource.endpoint.port,
    resource: resource.name,
    ca: client.ca === undefined ? undefined : readCa(client.ca).toString('utf8'),
    plugin: ownCommand([
      'credential',
      resource.name,
      `--${file.plugin.option}`,
      '--gateway',
      client.url,
      ...(client.ca === undefined ? [] : ['--ca', resolve(client.ca)]),
    ]),
    use: given === undefined,
  }
  const written = locked(path, () => {
    const made = file.lasting(entry, readIfThere(path))
    writeWhole(path, made.text)
    return made
  })
  const { replaced, select } = written
  print(
    output,
    {
      file: path,
      variable: file.variable,
      ...(replaced === undefined ? {} : { replaced }),
      ...(select === undefined ? {} : { select }),
    },
    () =>
      [
        `${plain(path)} names ${plain(resource.name)}.${replaced === undefined ? '' : colors.dim(` It was ${plain(replaced)} before.`)}`,
        `  export ${file.variable}=${shellWord(plain(path))}`,
        ...(select === undefined ? [] : [`  ${plain(select)}`]),
      ].join('\n'),
  )
}

/** This very command, wherever its caller stands. */
function ownCommand(args: readonly string[]): { command: string; args: readonly string[] } {
  const command = join(import.meta.dirname, '..', '..', 'bin', 'sallyport')
  // A file without an ending starts nothing there.
  if (process.platform === 'win32') return { command: process.execPath, args: [command, ...args] }
  return { command, args }
}

/** A gateway that listens everywhere is where its API is. */
function hostFor(client: GatewayClient, host: string): string {
  const anywhere = host === '0.0.0.0' || host === '::'
  return anywhere ? new URL(client.url).hostname.replace(/^\[|\]$/g, '') : host
}

/** A link stays one: what it leads to is written. */
function linked(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Safe: there is nothing yet.
    return path
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** As the tools themselves keep each other from writing at once: by a file beside it. */
function locked<Value>(path: string, write: () => Value): Value {
  const lock = `${path}.lock`
  try {
    closeSync(openSync(lock, 'wx', 0o600))
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) {
      // Its folder is not there yet, or cannot be written: the write itself makes the one and tells the other.
      return write()
    }
    throw new InvalidRequest('request_invalid', `${path} is being written by another program.`, {
      cause,
      hint: `If none runs, remove ${lock}.`,
    })
  }
  try {
    return write()
  } finally {
    rmSync(lock, { force: true })
  }
}

function shellWord(text: string): string {
  return /^[\w/.:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
