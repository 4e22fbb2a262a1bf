// The forms in which an answer may be asked for: the object, a Table of rows as kubectl prints it, the metadata alone.
import type { Json, KubeObject } from './objects.ts'
import { StatusError } from './status.ts'
import type { ResourceType } from './types.ts'

export type Form = 'object' | 'table' | 'metadata'

export interface Asked {
  readonly form: Form
  /** Of meta.k8s.io, for tables and metadata. */
  readonly version: string
}

/** The first of the accepted types that we can give. */
export function formOf(accept: string | undefined): Asked {
  for (const one of (accept ?? '*/*').split(',')) {
    const [type = '', ...parameters] = one.split(';').map(part => part.trim())
    if (!['application/json', 'application/*', '*/*'].includes(type)) continue
    const given = Object.fromEntries(parameters.map(part => part.split('=')))
    const as = given['as'] as string | undefined
    const version = String(given['v'] ?? 'v1')
    if (as === undefined) return { form: 'object', version }
    if (as === 'Table' && given['g'] === 'meta.k8s.io') return { form: 'table', version }
    if (as.startsWith('PartialObjectMetadata')) return { form: 'metadata', version }
  }
  throw new StatusError(
    406,
    'only the following media types are accepted: application/json, application/json;as=Table',
  )
}

export function tableOf(
  type: ResourceType,
  objects: readonly KubeObject[],
  options: {
    readonly asked: Asked
    readonly include: string
    readonly metadata: Json
    /** A watch tells the columns once. */
    readonly columns?: boolean
  },
): Json {
  const { asked, include } = options
  const definitions = type.columns.map(column => ({
    name: column.name,
    type: column.type ?? 'string',
    format: column.name === 'Name' ? 'name' : '',
    description: `${column.name} of the ${type.singular}`,
    priority: column.priority ?? 0,
  }))
  return {
    kind: 'Table',
    apiVersion: `meta.k8s.io/${asked.version}`,
    metadata: options.metadata,
    columnDefinitions: options.columns === false ? null : definitions,
    rows: objects.map(object => ({
      cells: type.columns.map(column => column.cell(object)),
      ...(include === 'None'
        ? {}
        : { object: include === 'Object' ? object : metadataOf(object, asked.version) }),
    })),
  }
}

export const metadataOf = (object: KubeObject, version: string): KubeObject => ({
  kind: 'PartialObjectMetadata',
  apiVersion: `meta.k8s.io/${version}`,
  metadata: object.metadata,
})
