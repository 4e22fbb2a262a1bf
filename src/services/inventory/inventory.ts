// The resources that exist now, by name. Settings were checked by config; secrets are references here.
import { ConfigurationError, type Resource } from '#model'

/** Safe in URLs, file names, Cedar ids and database names; `/` would be a resource and a thing in it. */
const NAME = /^[a-z0-9][a-z0-9-_.]{0,62}$/

/** Names, each sorted. */
export interface InventoryChange {
  readonly added: readonly string[]
  readonly changed: readonly string[]
  readonly removed: readonly string[]
}

export interface Inventory {
  get(name: string): Resource | undefined
  /** By name. */
  list(): readonly Resource[]
  /** All or nothing: throws ConfigurationError, and changes nothing, for a bad or doubled name. */
  replace(resources: readonly Resource[]): InventoryChange
  /** Called after a replacement that changed something: sessions on what changed or left must end. */
  onChange(listener: (change: InventoryChange) => void): () => void
}

export function createInventory(resources: readonly Resource[] = []): Inventory {
  let current = byName(resources)
  const listeners = new Set<(change: InventoryChange) => void>()
  return {
    get: name => current.get(name),
    list: () => [...current.values()],
    replace(wanted) {
      const next = byName(wanted)
      const change = difference(current, next)
      current = next
      if (change.added.length + change.changed.length + change.removed.length > 0) {
        for (const listener of listeners) listener(change)
      }
      return change
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function byName(resources: readonly Resource[]): ReadonlyMap<string, Resource> {
  const found = new Map<string, Resource>()
  for (const resource of [...resources].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!NAME.test(resource.name)) {
      const shown = JSON.stringify(resource.name.slice(0, 64))
      throw new ConfigurationError('configuration_invalid', `${shown} is not a name for a resource`)
    }
    if (found.has(resource.name)) {
      throw new ConfigurationError(
        'configuration_invalid',
        `there are two resources "${resource.name}"`,
      )
    }
    found.set(resource.name, resource)
  }
  return found
}

function difference(
  before: ReadonlyMap<string, Resource>,
  after: ReadonlyMap<string, Resource>,
): InventoryChange {
  const added = [...after.keys()].filter(name => !before.has(name))
  const removed = [...before.keys()].filter(name => !after.has(name))
  const changed = [...after.keys()].filter(
    name => before.has(name) && canonical(before.get(name)) !== canonical(after.get(name)),
  )
  return { added, changed, removed }
}

/** The order of keys in the file means nothing. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}
