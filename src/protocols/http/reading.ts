// How the requests of a resource are read: its API document and its own routes as one table. The document is read once,
// and again when its file has changed; one that no longer holds leaves in force what was read before.
import { readFileSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import {
  ApiDocumentProblem,
  type Reading,
  type Route,
  RouteTable,
  readOpenApi,
} from '#engines/http'
import { ConfigurationError } from '#model'
import type { Way } from '#proxy'
import { type HttpSettings, routesOf } from './settings.ts'

interface Known {
  readonly version: string
  readonly reading: Reading
  /** Of a document that did not hold: it was said, and the one before is in force. */
  refused?: string
}

export class Readings {
  readonly #known = new WeakMap<HttpSettings, Known>()

  /** The same without waiting for it, where no document can have changed. Undefined: it has to be asked for. */
  known(settings: HttpSettings): Reading | undefined {
    return settings.openapi === undefined ? this.#known.get(settings)?.reading : undefined
  }

  /**
   * Throws ConfigurationError. A document that was read once stays in force when its file no longer holds; `onRefused` hears of
   * it, once for each version of the file.
   */
  async of(
    settings: HttpSettings,
    onRefused: (error: ConfigurationError) => void = () => {},
  ): Promise<Reading> {
    const { openapi } = settings
    const known = this.#known.get(settings)
    if (known !== undefined && openapi === undefined) return known.reading
    let version = ''
    try {
      if (openapi !== undefined) version = await versionOf(openapi.slice('file:'.length))
      if (known?.version === version || (known !== undefined && known.refused === version))
        return known.reading
      const reading: Reading = {
        routes: await tableOf(settings),
        unknown: settings.unknown,
        graphql: settings.graphql,
        secrets: new Set(settings.secretParameters.map(name => name.toLowerCase())),
      }
      this.#known.set(settings, { version, reading })
      return reading
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error
      if (known === undefined)
        throw new ConfigurationError(
          'configuration_invalid',
          'the API document of this resource does not hold',
          { cause: error },
        )
      // Safe: what was read before is what the operator said last that holds. (No file at all has the version ''.)
      if (known.refused !== version) onRefused(error)
      known.refused = version
      return known.reading
    }
  }
}

/** For whoever checks configuration: why the document does not hold, and where. */
export function checkDocument(
  settings: HttpSettings,
): readonly { path: string[]; message: string }[] {
  const { openapi } = settings
  if (openapi === undefined) return []
  const file = openapi.slice('file:'.length)
  const problem = (message: string) => [{ path: ['openapi'], message }]
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    // It is reported, and the configuration refused.
    const code = error instanceof Error && 'code' in error ? error.code : 'it failed'
    return problem(`${file} cannot be read (${code})`)
  }
  try {
    tableWith(text, settings)
    return []
  } catch (error) {
    if (error instanceof ApiDocumentProblem)
      return problem(`${file}:${error.line}:${error.column}: ${error.message}`)
    if (error instanceof ConfigurationError) return problem(`${file}: ${error.message}`)
    throw error
  }
}

async function versionOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size } = await stat(path)
    return `${mtimeMs} ${size}`
  } catch (cause) {
    throw unreadable(cause)
  }
}

async function tableOf(settings: HttpSettings): Promise<RouteTable | undefined> {
  const { openapi } = settings
  if (openapi === undefined)
    return settings.routes.length === 0 ? undefined : tableWith(undefined, settings)
  let text: string
  try {
    text = await readFile(openapi.slice('file:'.length), 'utf8')
  } catch (cause) {
    throw unreadable(cause)
  }
  return tableWith(text, settings)
}

/** Throws ConfigurationError. */
function tableWith(document: string | undefined, settings: HttpSettings): RouteTable {
  const own: readonly Route[] = routesOf(settings.routes)
  const taken = new Set(own.map(({ method, template }) => `${method} ${template}`))
  const described = document === undefined ? [] : routesOfDocument(document, settings)
  // What the operator says of a path counts more than what its document does.
  const rest = described.filter(({ method, template }) => !taken.has(`${method} ${template}`))
  return new RouteTable([...own, ...rest])
}

function routesOfDocument(text: string, settings: HttpSettings): readonly Route[] {
  const { routes, basePath } = readOpenApi(text)
  const prefix = settings.prefix ?? behind(basePath, placeOf(settings).basePath)
  return routes.map(route => ({ ...route, template: `${prefix}${route.template}` }))
}

/** What of the document's path the address of the resource does not have already. */
function behind(documented: string, own: string): string {
  return documented === own || !documented.startsWith(own === '' ? '/' : `${own}/`)
    ? ''
    : documented.slice(own.length)
}

const places = new WeakMap<HttpSettings, Way>()

/** What the upstream's URL says, read once. */
export function placeOf(settings: HttpSettings): Way {
  const known = places.get(settings)
  if (known !== undefined) return known
  const { origin, host, pathname } = new URL(settings.url)
  const basePath = pathname.replace(/\/$/, '')
  const place: Way = { origin, authority: host, basePath, ownPath: '' }
  places.set(settings, place)
  return place
}

function unreadable(cause: unknown): ConfigurationError {
  // Without the document nobody can tell what a request means.
  return new ConfigurationError(
    'configuration_invalid',
    'the API document of this resource cannot be read',
    { cause },
  )
}
