// How the requests of a resource are read: its API document and its own routes as one table. The document is read once,
// and again when its file has changed; one that does not hold closes the resource.
import { readFile, stat } from 'node:fs/promises'
import { type Reading, type Route, RouteTable, readOpenApi } from '#engines/http'
import { ConfigurationError } from '#model'
import { type HttpSettings, routesOf } from './settings.ts'

interface Known {
  readonly version: string
  readonly reading: Reading
}

export class Readings {
  readonly #known = new WeakMap<HttpSettings, Known>()

  /** The same without waiting for it, where no document can have changed. Undefined: it has to be asked for. */
  known(settings: HttpSettings): Reading | undefined {
    return settings.openapi === undefined ? this.#known.get(settings)?.reading : undefined
  }

  /** Throws ConfigurationError. */
  async of(settings: HttpSettings): Promise<Reading> {
    const { openapi } = settings
    const version = openapi === undefined ? '' : await versionOf(openapi.slice('file:'.length))
    const known = this.#known.get(settings)
    if (known?.version === version) return known.reading
    const reading: Reading = {
      routes: await tableOf(settings),
      unknown: settings.unknown,
      secrets: new Set(settings.secretParameters.map(name => name.toLowerCase())),
    }
    this.#known.set(settings, { version, reading })
    return reading
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
  const own: readonly Route[] = routesOf(settings.routes)
  const described =
    settings.openapi === undefined ? [] : await routesOfDocument(settings.openapi, settings)
  if (own.length === 0 && settings.openapi === undefined) return undefined
  const taken = new Set(own.map(({ method, template }) => `${method} ${template}`))
  // What the operator says of a path counts more than what its document does.
  const rest = described.filter(({ method, template }) => !taken.has(`${method} ${template}`))
  return new RouteTable([...own, ...rest])
}

async function routesOfDocument(
  openapi: string,
  settings: HttpSettings,
): Promise<readonly Route[]> {
  let text: string
  try {
    text = await readFile(openapi.slice('file:'.length), 'utf8')
  } catch (cause) {
    throw unreadable(cause)
  }
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

/** What the upstream's URL says, read once. */
export interface Place {
  readonly origin: string
  readonly authority: string
  /** Without a slash at its end. */
  readonly basePath: string
}

const places = new WeakMap<HttpSettings, Place>()

export function placeOf(settings: HttpSettings): Place {
  const known = places.get(settings)
  if (known !== undefined) return known
  const { origin, host, pathname } = new URL(settings.url)
  const place = { origin, authority: host, basePath: pathname.replace(/\/$/, '') }
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
