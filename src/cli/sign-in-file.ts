// Where `sallyport login` keeps what it got: one file of the user's, readable by nobody else, by gateway.
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { InvalidRequest } from '#model'
import { ownFolder, writeWhole } from './own-files.ts'

const kept = z.record(
  z.string(),
  z.object({ token: z.string(), principal: z.string(), expiresAt: z.number() }),
)
export type KeptSignIn = z.infer<typeof kept>[string]

/** The sign-in at this gateway, while it lasts. Throws InvalidRequest when others can read the file. */
export function readSignIn(gateway: string): KeptSignIn | undefined {
  const found = read()[gateway]
  return found !== undefined && found.expiresAt > Date.now() ? found : undefined
}

/** `signIn` undefined: it is forgotten. */
export function keepSignIn(gateway: string, signIn: KeptSignIn | undefined): void {
  const now = Date.now()
  const others = Object.entries(read()).filter(
    ([url, { expiresAt }]) => url !== gateway && expiresAt > now,
  )
  const all = Object.fromEntries(signIn === undefined ? others : [...others, [gateway, signIn]])
  writeWhole(path(), JSON.stringify(all))
}

function read(): z.infer<typeof kept> {
  const file = path()
  let text: string
  try {
    if ((statSync(file).mode & 0o077) !== 0 && process.platform !== 'win32') {
      throw new InvalidRequest('request_invalid', `${file} can be read by others.`, {
        hint: 'Remove it and sign in again: sallyport login.',
      })
    }
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof InvalidRequest) throw error
    // Not there: nobody signed in.
    return {}
  }
  try {
    return kept.parse(JSON.parse(text))
  } catch {
    // Safe: not ours, or of another version; one signs in again.
    return {}
  }
}

function path(): string {
  return join(ownFolder(), 'sign-ins.json')
}
