// A GraphQL request that names a text beside the one that it brings: servers that keep texts may run what they keep (Hot Chocolate
// looks there first). Only a name that is the text's own hash is passed.
import { createHash } from 'node:crypto'

/** In lower case, without what parts words. */
const NAMES: ReadonlySet<string> = new Set([
  'id',
  'docid',
  'documentid',
  'queryid',
  'operationid',
  'persistedqueryid',
  'hash',
  'queryhash',
  'documenthash',
])

/** True when some server may run another text than `query`. */
export function namesAnotherText(request: object, query: string): boolean {
  for (const [name, value] of Object.entries(request)) {
    if (value === null || value === undefined || value === '') continue
    if (NAMES.has(folded(name))) return true
    if (folded(name) === 'extensions' && typeof value === 'object')
      for (const [extension, said] of Object.entries(value))
        if (folded(extension) === 'persistedquery' && !isHashOf(said, query)) return true
  }
  return false
}

/** As Apollo's clients say it: `{"version": 1, "sha256Hash": "…"}`. */
function isHashOf(said: unknown, query: string): boolean {
  if (typeof said !== 'object' || said === null) return false
  const own = createHash('sha256').update(query).digest('hex')
  return Object.entries(said).every(([name, value]) =>
    name === 'sha256Hash' ? value === own : name === 'version',
  )
}

function folded(name: string): string {
  return name.replace(/[\s_.-]/g, '').toLowerCase()
}
