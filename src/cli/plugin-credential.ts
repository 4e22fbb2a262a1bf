// credential RESOURCE as the credential plugin of a tool, which runs it at each of its starts: one credential serves many of them.
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { environment } from '#config'
import { type CredentialView, type IssuedCredential, paths } from '#contract'
import type { CredentialPlugin } from '#model'
import type { GatewayClient } from './gateway-client.ts'
import type { Invocation } from './invocation.ts'
import { ownFolder, writeWhole } from './own-files.ts'

const kept = z.object({
  id: z.string(),
  secret: z.string(),
  issuedAt: z.number(),
  expiresAt: z.number(),
})
type Kept = z.infer<typeof kept>

/** What is begun with it lasts no longer than it does: it is handed out only while this much of its life is left. */
const LEFT = 2 / 3
const FORGOTTEN_AFTER_MS = 3_600_000

export async function printForTool(
  { client, output }: Invocation,
  plugin: CredentialPlugin,
  { resource, ttl }: { resource: string; ttl: number },
): Promise<void> {
  const gateway = client()
  const asked = environment(plugin.variable)
  const file = join(ownFolder(), 'credentials', `${gateway.fingerprint(`${resource} ${ttl}`)}.json`)
  const known = await inForce(read(file), gateway)
  const issuedAt = Date.now()
  const credential = known ?? {
    issuedAt,
    ...(await gateway.post<IssuedCredential>(paths.credentials, { resource, ttl })),
  }
  // Before it is kept: what cannot be printed serves nobody.
  output.write(plugin.print(credential, asked))
  if (known === undefined) keep(file, credential)
}

/** Undefined: it was revoked, or has little time left. */
async function inForce(known: Kept | undefined, gateway: GatewayClient): Promise<Kept | undefined> {
  if (known === undefined) return undefined
  const life = known.expiresAt - known.issuedAt
  if (known.expiresAt - Date.now() < life * LEFT) return undefined
  const held = await gateway.get<CredentialView[]>(`${paths.credentials}?id=${known.id}`)
  return held.some(({ id }) => id === known.id) ? known : undefined
}

function read(file: string): Kept | undefined {
  try {
    if ((statSync(file).mode & 0o077) !== 0 && process.platform !== 'win32') return undefined
    return kept.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    // Safe: there is none, or it is not ours; another is asked for.
    return undefined
  }
}

function keep(file: string, { id, secret, issuedAt, expiresAt }: Kept): void {
  try {
    writeWhole(file, JSON.stringify({ id, secret, issuedAt, expiresAt }))
    const folder = join(file, '..')
    for (const name of readdirSync(folder)) {
      const other = join(folder, name)
      if (statSync(other).mtimeMs < Date.now() - FORGOTTEN_AFTER_MS) rmSync(other, { force: true })
    }
  } catch {
    // Safe: a home that cannot be written keeps nothing, and the next start asks for another.
  }
}
