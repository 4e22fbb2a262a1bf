// How statements name objects that are no relations in FROM: lists of strings, types, functions with arguments.
import type { RelationName } from '../analysis.ts'
import { fieldsOf, isTree, listOf, nameOf, namesOf, type Tree, textOf } from './tree.ts'

export interface NamedObjects {
  readonly objects: readonly { readonly name: string; readonly kind: string }[]
  readonly relations: readonly RelationName[]
  /** Fields whose meaning is in the names: not walked again. */
  readonly covered: readonly string[]
}
export type ObjectNaming = (fields: Tree) => NamedObjects

type Kind = string | ((fields: Tree) => string)

const none: NamedObjects = { objects: [], relations: [], covered: [] }

function kindFor(kind: Kind, fields: Tree): string {
  return typeof kind === 'string' ? kind : kind(fields)
}

/** A field that holds the name. */
export function byText(kind: Kind, field: string): ObjectNaming {
  return fields => {
    const name = textOf(fields[field])
    if (name === undefined) return none
    return { objects: [{ name, kind: kindFor(kind, fields) }], relations: [], covered: [] }
  }
}

/** A field that holds the name as a list of its parts. */
export function byList(kind: Kind, field: string): ObjectNaming {
  return fields => {
    const parts = namesOf(fields[field])
    if (parts.length === 0) return none
    const object = { name: parts.join('.'), kind: kindFor(kind, fields) }
    return { objects: [object], relations: [], covered: [] }
  }
}

/** OWNED BY ties a sequence to a column, and to who owns its table. */
export const byOwnedBy: ObjectNaming = fields => {
  for (const each of listOf(fields['options'])) {
    const option = fieldsOf(each, 'DefElem')
    if (option?.['defname'] !== 'owned_by') continue
    const parts = namesOf(fieldsOf(option['arg'], 'List')?.['items'])
    const name = parts.at(-2)
    // `NONE` stands alone.
    if (name === undefined) return none
    return { objects: [], relations: [{ schema: parts.at(-3), name }], covered: [] }
  }
  return none
}

const irregular: Readonly<Record<string, string>> = {
  OBJECT_MATVIEW: 'materialized view',
  OBJECT_FDW: 'foreign data wrapper',
  OBJECT_FOREIGN_SERVER: 'server',
  OBJECT_TSCONFIGURATION: 'text search configuration',
  OBJECT_TSDICTIONARY: 'text search dictionary',
  OBJECT_TSPARSER: 'text search parser',
  OBJECT_TSTEMPLATE: 'text search template',
  OBJECT_STATISTIC_EXT: 'statistics',
  OBJECT_OPCLASS: 'operator class',
  OBJECT_OPFAMILY: 'operator family',
  OBJECT_TABCONSTRAINT: 'constraint',
  OBJECT_DOMCONSTRAINT: 'constraint',
  OBJECT_LARGEOBJECT: 'large object',
}

/** `OBJECT_FOREIGN_TABLE` is a `foreign table`. */
export function kindOfObject(type: unknown): string {
  const text = textOf(type) ?? 'OBJECT_OBJECT'
  return (
    irregular[text] ??
    text
      .replace(/^OBJECT_/, '')
      .toLowerCase()
      .replaceAll('_', ' ')
  )
}

const relationTypes: ReadonlySet<string> = new Set([
  'OBJECT_TABLE',
  'OBJECT_VIEW',
  'OBJECT_MATVIEW',
  'OBJECT_INDEX',
  'OBJECT_SEQUENCE',
  'OBJECT_FOREIGN_TABLE',
])
/** Parts of a relation: the last word is their own name. */
const partTypes: ReadonlySet<string> = new Set([
  'OBJECT_COLUMN',
  'OBJECT_TRIGGER',
  'OBJECT_RULE',
  'OBJECT_POLICY',
  'OBJECT_TABCONSTRAINT',
])

/** A field with one object or several, of the type that the statement says. */
export function nameOfObject(field: string): ObjectNaming {
  return fields => {
    const type = textOf(
      fields['removeType'] ?? fields['objtype'] ?? fields['renameType'] ?? fields['objectType'],
    )
    const value = fields[field]
    if (value === undefined) return none
    const objects: { name: string; kind: string }[] = []
    const relations: RelationName[] = []
    for (const each of Array.isArray(value) ? listOf(value) : [value]) {
      // Relations are met by the walk.
      if (fieldsOf(each, 'RangeVar') !== undefined) continue
      const parts = partsOf(each)
      if (parts.length === 0) continue
      const isPart = partTypes.has(type ?? '')
      if (isPart || relationTypes.has(type ?? '')) {
        const path = isPart ? parts.slice(0, -1) : parts
        relations.push({ schema: path.at(-2), name: path.at(-1) ?? '' })
      } else {
        objects.push({ name: parts.join('.'), kind: kindOfObject(type) })
      }
    }
    return { objects, relations, covered: [] }
  }
}

/** The parts of a name in each form that the grammar has for it. */
function partsOf(value: unknown): readonly string[] {
  const single = nameOf(value)
  if (single !== undefined) return [single]
  const list = fieldsOf(value, 'List')
  if (list !== undefined) return listOf(list['items']).flatMap(partsOf)
  const type = fieldsOf(value, 'TypeName')
  if (type !== undefined) return namesOf(type['names'])
  const called = fieldsOf(value, 'ObjectWithArgs') ?? (isTree(value) ? value : undefined)
  return namesOf(called?.['objname'])
}
