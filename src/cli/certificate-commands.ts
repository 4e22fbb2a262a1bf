// credential --certificate and --agent, known-hosts: keys of this user's, and the gateway's own.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { childEnvironment } from '#config'
import { type IssuedCertificate, type KnownHosts, paths } from '#contract'
import { InvalidRequest } from '#model'
import { findResource } from './connect-command.ts'
import { type Invocation, runs, WrongUsage } from './invocation.ts'
import { ownFolder, writeWhole } from './own-files.ts'
import type { LoadProtocols } from './protocol-facts.ts'
import { plain, print, when } from './report.ts'

export interface Wish {
  readonly resource: string
  readonly ttl: number
  readonly certificate?: string | true
  readonly agent?: boolean
  readonly from?: string
}

/** Makes a key here, has it certified, and writes both where a tool finds them. The key never leaves this machine. */
export async function certifiedKey(
  { client, output }: Invocation,
  protocols: LoadProtocols,
  { resource, ttl, certificate, agent, from }: Wish,
): Promise<void> {
  if (agent === true && certificate !== undefined)
    throw new WrongUsage('--agent and --certificate are two places for one key.')
  const given = typeof certificate === 'string' ? resolve(certificate) : undefined
  // Somebody's own key may be there; what was made here before stands elsewhere.
  if (given !== undefined && existsSync(given))
    throw new WrongUsage(`${given} is there already: remove it, or name another file.`)
  const gateway = client()
  const { protocol } = await findResource(gateway, resource)
  const proofs = (await protocols()).find(({ name }) => name === protocol)?.keyProofs
  if (proofs === undefined)
    throw new InvalidRequest('request_invalid', `Clients of ${resource} take no certificate.`, {
      hint: `sallyport credential ${resource} gives a password.`,
    })
  const key = proofs.newKey()
  const issued = await gateway.post<IssuedCertificate>(paths.certificates, {
    resource,
    ttl,
    publicKey: key.publicKey,
    ...(from === undefined ? {} : { from }),
  })
  const { id, expiresAt, endpoint } = issued
  const files = key.files(issued.certificate)
  const file = agent === true ? undefined : (given ?? ownFile(resource))
  if (file === undefined) {
    const lifetime = Math.max(1, Math.floor((expiresAt - Date.now()) / 1_000))
    keep(files, path => proofs.keep(path, lifetime))
  } else write(file, files)
  const at = endpoint === undefined ? undefined : { ...endpoint, resource }
  const line = at === undefined ? undefined : proofs.useLine(at, file)
  print(
    output,
    { id, resource, expiresAt, ...(file === undefined ? { agent: true } : { file }) },
    () =>
      [
        `id     ${plain(id)}`,
        file === undefined ? 'key    in your agent' : `key    ${plain(file)}`,
        `until  ${when(expiresAt)}`,
        ...(line === undefined ? [] : [plain(line)]),
      ].join('\n'),
  )
}

export function certificateCommands(program: Command): void {
  const command = program
    .command('known-hosts')
    .description('lines by which your tools know this gateway by its keys')
    .option('--trust', 'the authority that hosts are told to trust, so that the gateway comes in')
  runs(command, async ({ client, output }) => {
    const { trust: asked = false } = command.opts<{ trust?: boolean }>()
    const known = await client().get<KnownHosts>(paths.knownHosts)
    // Nothing, in silence, would go into a file of known hosts.
    if (known.length === 0 && !output.json)
      throw new InvalidRequest('request_invalid', 'This gateway has no listener for such tools.', {
        hint: 'Whoever runs it opens one under `listen` in sallyport.yaml.',
      })
    print(output, known, found =>
      found
        .flatMap(({ lines, trust }) => (asked ? [trust] : lines))
        .map(line => plain(line))
        .join('\n'),
    )
  })
}

/** Ours alone, so that a new certificate may take the place of an old one. */
function ownFile(resource: string): string {
  return join(ownFolder(), 'keys', resource)
}

function write(file: string, files: readonly { suffix: string; text: string }[]): void {
  for (const { suffix, text } of files) writeWhole(file + suffix, text)
}

/** The files are there only while the agent reads them. */
function keep(
  files: readonly { suffix: string; text: string }[],
  command: (file: string) => readonly string[],
): void {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-key-'))
  try {
    const file = join(folder, 'key')
    write(file, files)
    const [program = '', ...args] = command(file)
    const ran = spawnSync(program, args, { env: childEnvironment({}), encoding: 'utf8' })
    if (ran.status !== 0) {
      const why = ran.error === undefined ? ran.stderr.trim() : 'it cannot be started'
      throw new InvalidRequest('request_invalid', `${program} did not take the key: ${why}`, {
        hint: 'Is an agent running? Without one: --certificate.',
      })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
