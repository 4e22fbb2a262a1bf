// A Kubernetes object as JSON, and reading it where nothing is certain.

export interface Meta {
  name: string
  namespace?: string
  generateName?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: { kind: string; name: string; uid?: string }[]
  managedFields?: object[]
  [more: string]: unknown
}

export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: Meta
  [more: string]: unknown
}

export type Json = Record<string, unknown>

/** A field of something that may be no object at all. */
export function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = (value as Json)[name]
  }
  return value
}

export function items(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = field(value, ...path)
  return Array.isArray(found) ? found : []
}

export function text(value: unknown, ...path: readonly (string | number)[]): string {
  const found = field(value, ...path)
  return found === undefined || found === null ? '' : String(found)
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A parameter that is said and true, as Go reads truth values; the Python client writes `True`. */
export function isYes(query: URLSearchParams, name: string): boolean {
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(query.get(name) ?? '')
}
