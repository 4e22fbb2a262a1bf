// The classes of data: what they match now, how each looks when it is masked, which policies speak of revealing it.
import { type DataClassesView, type DataClassView, paths, policySchemas } from '#contract'
import { revealPolicies } from '#engines/policy'
import { classExample, detectorOrigin, type Masks } from '#gateway'
import type { ColumnName } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { need } from './rights.ts'
import { policySummaryView } from './views.ts'

/** Columns looked at, of each resource; resources that are looked at; columns shown, of each class. */
const MOST_COLUMNS = 10_000
const MOST_RESOURCES = 100
const MOST_MATCHES = 200

type Matches = ReadonlyMap<string, readonly ColumnName[]>

/** By the list of a resource's columns, which is the same one until its catalog is another. */
const kept = new WeakMap<readonly ColumnName[], { masks: Masks; matches: Matches }>()

export function dataClassRoutes(routes: Routes, parts: ApiParts): void {
  routes.get(
    paths.dataClasses,
    {
      config: { access: 'principal' },
      schema: {
        summary:
          'Classes of data: their columns, masks, and the policies that reveal them. Needs console:read',
        response: { 200: policySchemas.dataClasses },
      },
    },
    async request => {
      need(parts, request.caller!, 'console:read')
      return dataClassesOf(parts)
    },
  )
}

function dataClassesOf(parts: ApiParts): DataClassesView {
  const masks = parts.masks()
  const own = parts.detectors()
  const resources = parts.inventory.list().map((resource, at) => {
    const protocol = parts.protocols.find(({ name }) => name === resource.protocol)
    const columns = at < MOST_RESOURCES ? protocol?.columnsAt?.(resource, MOST_COLUMNS) : undefined
    return {
      name: resource.name,
      predicates: { ...resource.masking.predicates },
      whole: columns === undefined || columns.length < MOST_COLUMNS,
      matches: columns && matchesOf(masks, columns),
    }
  })
  return {
    classes: masks.classes.map(each => {
      const all = resources.flatMap(({ name: resource, matches }) =>
        (matches?.get(each.name) ?? []).map(column => ({ resource, ...column })),
      )
      const example = classExample(masks, each, own)
      return {
        name: each.name,
        columns: [...each.columns],
        fields: [...(each.keys ?? []), ...(each.pointers ?? [])],
        ...(each.detect === undefined
          ? {}
          : { detect: each.detect, detector: detectorOrigin(each.detect, own) }),
        mask: typeof each.mask === 'string' ? each.mask : { ...each.mask },
        ...(example === undefined ? {} : { example }),
        matches: all.slice(0, MOST_MATCHES),
        more: all.length > MOST_MATCHES || resources.some(({ whole }) => !whole),
        reveal: revealPolicies(parts.policies(), each.name).map(policySummaryView),
      } satisfies DataClassView
    }),
    resources: resources.map(({ name, predicates, matches }) => ({
      name,
      known: matches !== undefined,
      predicates,
    })),
  }
}

/** One column has one class: of several that list it, the one that shows least. */
function matchesOf(masks: Masks, columns: readonly ColumnName[]): Matches {
  const known = kept.get(columns)
  if (known?.masks === masks) return known.matches
  const matches = new Map<string, ColumnName[]>()
  for (const column of columns) {
    const name = masks.masking.classOf(column)?.name
    if (name === undefined) continue
    const found = matches.get(name)
    if (found === undefined) matches.set(name, [column])
    else if (found.length <= MOST_MATCHES) found.push(column)
  }
  kept.set(columns, { masks, matches })
  return matches
}
