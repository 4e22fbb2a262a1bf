// What a configuration refers to and does not hold itself: `file:` and `env:`. Looks whether it is there, here and now; reads no value.
import { accessSync, constants, statSync } from 'node:fs'
import { type Config, environment } from '#config'

export interface References {
  /** A line for each file that is not there, cannot be read or is empty. */
  readonly broken: readonly string[]
  /** Files that every user of the machine can read. They are used. */
  readonly exposed: readonly string[]
  /** Variables that this process lacks. The server may have them: its environment is another's to set. */
  readonly unset: readonly string[]
}

export function referencesOf({ tls, identity, resources, channels }: Config): References {
  const all = [...new Set(referencesIn([tls, identity, resources, channels]))]
  const named = (kind: string): string[] =>
    all.filter(each => each.startsWith(kind)).map(each => each.slice(kind.length))
  const files = named('file:').map(file => ({ file, wrong: wrongWith(file) }))
  return {
    broken: files.flatMap(({ wrong }) => wrong ?? []),
    exposed: files.flatMap(({ file, wrong }) =>
      wrong === undefined && isExposed(file) ? [file] : [],
    ),
    unset: named('env:').filter(name => !environment(name)),
  }
}

function referencesIn(value: unknown): string[] {
  if (typeof value === 'string') return /^(?:env|file):/.test(value) ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(referencesIn)
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
