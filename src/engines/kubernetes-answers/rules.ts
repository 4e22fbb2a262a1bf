// What was asked, and what may be seen of what holds secrets. Who may see it is not decided here: `hides` asks.
import type { CellPlan } from '#engines/masking'
import type { ColumnName, DataClass } from '#model'

/** What the request asked for, as the API server reads its path. */
export interface AskedObjects {
  /** `secrets`, `pods`. */
  readonly resource: string
  /** Empty: the core group. */
  readonly group: string
  readonly namespace?: string | undefined
  readonly name?: string | undefined
  /** It changes objects by a patch: what is said of its failure may quote what it was merged with. */
  readonly patches?: boolean
}

/** What is done with a value that is hidden. */
export type Hidden = Extract<CellPlan, { readonly kind: 'null' | 'mask' }>

/** The kinds of objects whose `data` holds what is hidden. */
export type HolderKind = 'Secret' | 'ConfigMap'

export interface ObjectRules {
  /**
   * What is done with the value of a key (`column`) of an object (`secrets/default/db`); undefined: it is shown. `told` is
   * false when it is not certain which object it is of, or which key it has; then a part of the name is a star.
   */
  hides(column: ColumnName, told: boolean): Hidden | undefined
  /** Whether any key of any ConfigMap may be hidden: else nobody looks into them. */
  readonly configMaps: boolean
}

/** What objects without a kind of their own are: by what was asked. `unknown`: they may be anything. */
export type Told = HolderKind | 'other' | 'unknown'

/** Groups that the API server itself serves, under names that nobody else may use (KEP-2337: `*.k8s.io` is protected). */
const OWN_GROUPS = new Set(['', 'apps', 'batch', 'autoscaling', 'policy', 'extensions'])

export function toldBy({ resource, group }: AskedObjects): Told {
  if (group === '' && resource === 'secrets') return 'Secret'
  if (group === '' && resource === 'configmaps') return 'ConfigMap'
  return OWN_GROUPS.has(group) || group.endsWith('.k8s.io') ? 'other' : 'unknown'
}

/** True: its tables have whatever columns its own API makes of its fields. */
export function hasOwnColumns(asked: Pick<AskedObjects, 'resource' | 'group'>): boolean {
  return toldBy(asked) === 'unknown'
}

const RESOURCE_OF: { readonly [kind in HolderKind]: string } = {
  Secret: 'secrets',
  ConfigMap: 'configmaps',
}

/** Stands for what is not told of an object: no name of one may have it. */
const ANY = '*'

/** The object as policies name it: `secrets/default/db`. */
export function objectName(
  kind: HolderKind,
  apiVersion: string | undefined,
  namespace: string = ANY,
  name: string = ANY,
): string {
  const slash = apiVersion?.indexOf('/') ?? -1
  const group = slash > 0 ? `.${apiVersion!.slice(0, slash)}` : ''
  return `${RESOURCE_OF[kind]}${group}/${namespace}/${name}`
}

/**
 * Every value of a Secret is hidden unless a policy reveals this class: from the core group, and from any other that
 * calls something so.
 */
export const secretClass: DataClass = {
  name: 'kubernetes-secret',
  columns: ['secrets/*.*', 'secrets.*/*.*'],
  mask: 'redact',
}
