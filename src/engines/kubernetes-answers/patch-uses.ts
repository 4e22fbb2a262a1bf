// What a JSON Patch (RFC 6902) asks of values that it does not bring: `test` tells who sends it whether a value is that one.
// `copy` and `move`, which would put one where it can be read, are refused before (engines/kubernetes), and count here as
// whatever cannot be told.
import { Buffer } from 'node:buffer'
import type { ColumnName, Probe, Statement } from '#model'

type Uses = Required<Pick<Statement, 'lineage' | 'mayDeriveFrom'>>

/** Nothing is asked for. */
const NOTHING: Uses = { lineage: [], mayDeriveFrom: [] }
/** It cannot be told of what: all that is hidden counts. */
const UNTOLD: Uses = {
  lineage: [{ outputs: [], probes: 'unknown', asking: 'test', transfers: 'unknown' }],
  mayDeriveFrom: 'all',
}
/** All that may be asked for of an object whose values are hidden: what it is, and what its labels say. */
const OPEN =
  /^\/(?:type|immutable|kind|apiVersion|metadata\/(?:name|namespace|uid|resourceVersion|generation|generateName|creationTimestamp|labels|finalizers|ownerReferences)(?:\/.*)?)$/
const VALUE = /^\/(?:data|stringData|binaryData)\/([^/]+)$/

/** Of a patch of a Secret or a ConfigMap; `object`: as policies name it. */
export function patchUses(body: Uint8Array, object: string): Uses {
  let operations: unknown
  try {
    operations = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8'))
  } catch {
    // Whatever the cluster makes of it: nobody can say that it asks for nothing.
    return UNTOLD
  }
  if (!Array.isArray(operations)) return UNTOLD
  const probes: Probe[] = []
  for (const each of operations as readonly unknown[]) {
    if (typeof each !== 'object' || each === null) return UNTOLD
    const { op, path, ...rest } = each as Record<string, unknown>
    // (A name that only case tells from these is one of these to some readers.)
    if (Object.keys(rest).some(key => /^(?:op|path)$/i.test(key))) return UNTOLD
    if (op === 'add' || op === 'replace' || op === 'remove') continue
    if (op !== 'test' || typeof path !== 'string') return UNTOLD
    if (OPEN.test(path)) continue
    const column = columnAt(path, object)
    if (column === undefined) return UNTOLD
    probes.push({ columns: [column], use: 'test' })
  }
  if (probes.length === 0) return NOTHING
  return { lineage: [{ outputs: [], probes, transfers: [] }], mayDeriveFrom: [] }
}

/** The value that a pointer leads to; undefined: it leads to several of them, or to what may hold some. */
function columnAt(pointer: string, object: string): ColumnName | undefined {
  const [, key] = VALUE.exec(pointer) ?? []
  if (key === undefined) return undefined
  return { object, column: key.replaceAll('~1', '/').replaceAll('~0', '~') }
}
