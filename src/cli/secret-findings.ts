// What a configuration refers to and does not hold itself: `file:` and `env:`. Looks whether it is there, here and now; reads no value.
import { accessSync, constants, statSync } from 'node:fs'
import { type Config, environment } from '#config'

/** What may be read by everybody: certificates, lists of revoked ones, public keys, API documents. */
const PUBLIC: ReadonlySet<string> = new Set([
  'ca',
  'crl',
  'certificate',
  'clientCertificate',
  'jwks',
  'openapi',
  'serverKey',
])

export interface References {
  /** A line for each file that is not there, cannot be read or is empty. */
  readonly broken: readonly string[]
  /** Files that every user of the machine can read. They are used. */
  readonly exposed: readonly string[]
  /** Variables that this process lacks. The server may have them: its environment is another's to set. */
  readonly unset: readonly string[]
}

export function referencesOf({ tls, identity, resources, channels }: Config): References {
  const all = referencesIn([tls, identity, resources, channels])
  const named = (kind: string, of: readonly Reference[] = all): string[] => [
    ...new Set(of.filter(({ to }) => to.startsWith(kind)).map(({ to }) => to.slice(kind.length))),
  ]
  const files = named('file:').map(file => ({ file, wrong: wrongWith(file) }))
  const secret = new Set(
    named(
      'file:',
      all.filter(({ key }) => !PUBLIC.has(key)),
    ),
  )
  return {
    broken: files.flatMap(({ wrong }) => wrong ?? []),
    exposed: files.flatMap(({ file, wrong }) =>
      wrong === undefined && secret.has(file) && isExposed(file) ? [file] : [],
    ),
    unset: named('env:').filter(name => !environment(name)),
  }
}

interface Reference {
  /** What it stands under. */
  readonly key: string
  readonly to: string
}

function referencesIn(value: unknown, key = ''): Reference[] {
  if (typeof value === 'string') return /^(?:env|file):/.test(value) ? [{ key, to: value }] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, each]) =>
    referencesIn(each, Array.isArray(value) ? key : name),
  )
}

function isExposed(file: string): boolean {
  const status = statSync(file, { throwIfNoEntry: false })
  return status?.isFile() === true && (status.mode & constants.S_IROTH) !== 0
}

function wrongWith(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK)
    const status = statSync(file)
    if (status.isFile()) return status.size === 0 ? `${file} is empty` : undefined
    return `${file} is no file`
  } catch (error) {
    // The finding is the point: it is reported.
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ENOENT' ? `there is no ${file}` : `${file} cannot be read (${code})`
  }
}
