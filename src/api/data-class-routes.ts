// The classes of data: what they match now, how each looks when it is masked, which policies speak of revealing it.
import { type DataClassesView, type DataClassView, paths, policySchemas } from '#contract'
import { revealPolicies } from '#engines/policy'
import { classExample, detectorOrigin } from '#gateway'
import type { ColumnName, DataClass } from '#model'
import type { Routes } from './api.ts'
import type { ApiParts } from './parts.ts'
import { need } from './rights.ts'
import { policySummaryView } from './views.ts'

/** Columns looked at, of each resource and of all; and shown, of each class. */
const MOST_COLUMNS = 10_000
const MOST_LOOKED_AT = 50_000
const MOST_MATCHES = 200

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
  const { classes, masking } = masks
  const own = parts.detectors()
  const matches = new Map<string, DataClassView['matches']>()
  const more = new Set<string>()
  let left = MOST_LOOKED_AT
  const resources = parts.inventory.list().map(resource => {
    const protocol = parts.protocols.find(({ name }) => name === resource.protocol)
    const columns = protocol?.columnsAt?.(resource, Math.min(MOST_COLUMNS, left))
    left -= columns?.length ?? 0
    for (const column of columns ?? []) {
      const found = masking.classOf(column)
      if (found !== undefined) add(matches, more, found, resource.name, column)
    }
    return {
      name: resource.name,
      known: columns !== undefined,
      whole: columns === undefined || columns.length < MOST_COLUMNS,
      predicates: { ...resource.masking.predicates },
    }
  })
  const whole = left > 0 && resources.every(each => each.whole)
  return {
    classes: classes.map(each => ({
      name: each.name,
      columns: [...each.columns],
      ...(each.detect === undefined
        ? {}
        : { detect: each.detect, detector: detectorOrigin(each.detect, own) }),
      mask: typeof each.mask === 'string' ? each.mask : { ...each.mask },
      ...optional(classExample(masks, each, own)),
      matches: matches.get(each.name) ?? [],
      more: more.has(each.name) || !whole,
      reveal: revealPolicies(parts.policies(), each.name).map(policySummaryView),
    })),
    resources: resources.map(({ whole: _, ...shown }) => shown),
  }
}

function optional(example: DataClassView['example']): Pick<DataClassView, 'example'> {
  return example === undefined ? {} : { example }
}

function add(
  matches: Map<string, DataClassView['matches']>,
  more: Set<string>,
  { name }: DataClass,
  resource: string,
  { object, column }: ColumnName,
): void {
  const found = matches.get(name) ?? []
  if (found.length >= MOST_MATCHES) more.add(name)
  else found.push({ resource, object, column })
  matches.set(name, found)
}
