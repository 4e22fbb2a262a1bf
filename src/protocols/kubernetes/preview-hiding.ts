// What an approver is not told of an object that changes: which keys do may be told; what they hold, where a class of data is
// hidden there, never, whoever asks.
import { secretClass } from '#engines/kubernetes-answers'
import { createMasking } from '#engines/masking'
import type { DataClass } from '#model'
import type { AskedWrite } from './preview.ts'

type Hides = (path: string) => boolean

const VALUE = /^(?:data|stringData|binaryData)(?:[.[]|$)/
const KEY = /^(?:data|binaryData)(?:\.([\w-]+)|\[("(?:[^"\\]|\\.)*")\])$/

/** Undefined: nothing is hidden in such objects. */
export function hidingOf(
  { group, resource, path }: Pick<AskedWrite, 'group' | 'resource' | 'path'>,
  classes: readonly DataClass[],
): Hides | undefined {
  if (group !== '') return undefined
  if (resource === 'secrets') return at => VALUE.test(at) || isAnnotation(at)
  const columns = classes
    .map(({ name, columns }) => ({
      name,
      columns: columns.filter(each => !secretClass.columns.includes(each)),
      mask: 'redact' as const,
    }))
    .filter(each => each.columns.length > 0)
  if (resource !== 'configmaps' || columns.length === 0) return undefined
  const { classOf } = createMasking({ classes: columns, tokenKey: new Uint8Array(32) })
  const [, namespace = '*', name = '*'] =
    /\/namespaces\/([^/]+)\/configmaps(?:\/([^/]+))?/.exec(path) ?? []
  const object = `configmaps/${namespace}/${name}`
  return at => {
    if (!VALUE.test(at)) return isAnnotation(at)
    const [, plain, quoted] = KEY.exec(at) ?? []
    const column = plain ?? (quoted === undefined ? undefined : String(JSON.parse(quoted)))
    // What is no value of a key is nobody's to read.
    return column === undefined || classOf({ object, column }) !== undefined
  }
}

/** Copies of what was applied stand there. */
function isAnnotation(path: string): boolean {
  return path.startsWith('metadata.annotations')
}
