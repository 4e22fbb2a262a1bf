// What an approver is not told of an object that changes: which keys do may be told; what they hold, where a class of data is
// hidden there, never, whoever asks.
import { BodyProblem } from '#engines/bodies'
import { createObjectMasker, type ObjectRules, secretClass } from '#engines/kubernetes-answers'
import { createMasking } from '#engines/masking'
import type { Session } from '#gateway'
import { type DataClass, UpstreamError } from '#model'
import type { AskedWrite } from './preview.ts'

type Hides = (path: string) => boolean

const VALUE = /^(?:data|stringData|binaryData)(?:[.[]|$)/
const KEY = /^(?:data|binaryData)(?:\.([\w-]+)|\[("(?:[^"\\]|\\.)*")\])$/

/** Undefined: nothing is hidden in such objects. */
export function hidingOf(
  { group, resource, path }: Pick<AskedWrite, 'group' | 'resource' | 'path'>,
  classes: readonly DataClass[],
): Hides | undefined {
  if (resource === 'secrets') return at => VALUE.test(at) || isAnnotation(at)
  if (group !== '') return undefined
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

/** (Keys of ConfigMaps are told by their paths, above.) */
const SECRETS: ObjectRules = {
  configMaps: false,
  hides: () => ({ kind: 'null', dataClass: secretClass.name }),
}

/** An answer of the cluster with all masked that any class hides, Secrets within it too. Throws UpstreamError: it cannot be read. */
export function maskedTwin(
  { group, resource, verb }: Pick<AskedWrite, 'group' | 'resource' | 'verb'>,
  session: Pick<Session, 'entireMasker'>,
  bytes: Uint8Array,
): Buffer {
  try {
    const json = { contentType: 'application/json', textsByDetectors: true }
    const masker = createObjectMasker(SECRETS, {
      asked: { resource, group, patches: verb === 'patch' },
      rest: session.entireMasker(json),
    })
    return Buffer.concat([...masker.write(bytes), ...masker.end()])
  } catch (cause) {
    if (!(cause instanceof BodyProblem)) throw cause
    throw new UpstreamError('upstream_refused', 'what the cluster says cannot be read here', {
      cause,
    })
  }
}
