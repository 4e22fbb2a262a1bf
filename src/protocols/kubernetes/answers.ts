// How answers of a cluster are read: objects by what is hidden in them, logs as texts. JSON is asked for where they must be.
import { BodyProblem } from '#engines/bodies'
import type { RequestInfo } from '#engines/kubernetes'
import {
  type AskedObjects,
  createObjectMasker,
  type ObjectRules,
  readableRanges,
  secretClass,
  type tableRule,
} from '#engines/kubernetes-answers'
import type { Permit } from '#gateway'
import { AccessDenied } from '#model'
import type { AskedAnswer, ReadAnswer } from '#proxy'
import { contentCodings, decodeContent, type Fields, type ResponseHead } from '#transport/http'
import { wholeLines } from './whole-lines.ts'

/** `objects`: what the API server keeps; `text`: output of programs; `schema`: how objects look, and nothing of any. */
type Content = 'objects' | 'text' | 'schema' | 'other'

function contentOf({ isResource, path, subresource }: RequestInfo): Content {
  if (!isResource) return /^openapi\//.test(path) ? 'schema' : 'other'
  return subresource === 'log' ? 'text' : subresource === 'proxy' ? 'other' : 'objects'
}

/** The fields of a request whose answer must be read here. `tables`: of which kinds they show nothing hidden; undefined: of all. */
export function readable(
  fields: Fields,
  info: RequestInfo,
  tables: ReturnType<typeof tableRule>,
): Fields {
  const content = contentOf(info)
  if (content === 'schema' || content === 'text') return fields
  const readable = { texts: content === 'other', tables: tables?.(info) ?? true }
  return fields.with('accept', readableRanges(fields.list('accept'), readable))
}

/** Throws AccessDenied. */
export function readAnswer(
  { permit, request, head, body }: AskedAnswer,
  info: RequestInfo,
): ReadAnswer {
  const plain = { body, masker: undefined }
  if (!permit.masks) return plain
  const content = contentOf(info)
  // What an API server says of a WebSocket that it does not open is words, of no type.
  const isWords = request.upgrade !== undefined && head.status >= 400
  const contentType = head.fields.get('content-type') ?? (isWords ? 'text/plain' : undefined)
  try {
    if (head.fields.all('content-type').length > 1)
      throw new BodyProblem('type', 'It says twice what it is.')
    if (head.status === 206) throw new BodyProblem('type', 'It is a part of something.')
    const codings = contentCodings(head.fields)
    if (codings === undefined) throw new BodyProblem('encoding', 'Its encoding is unknown here.')
    // What the server says of a request that it cannot read is a text.
    const texts = content !== 'objects' || head.status >= 400
    const objects = content === 'objects' && isJson(contentType)
    if (content === 'objects' && !objects && !(texts && isText(contentType)))
      throw new BodyProblem('type', 'It is not JSON.')
    const rest = permit.body({ contentType, textsByDetectors: texts })
    const masker =
      objects && permit.hiddenColumns.length > 0
        ? createObjectMasker(rulesOf(permit), { asked: askedOf(info), rest })
        : content === 'text' && info.parameters.has('limitBytes')
          ? rest && wholeLines(rest)
          : rest
    return masker === undefined ? plain : { masker, body: decodeContent(body, codings) }
  } catch (error) {
    if (!(error instanceof BodyProblem)) throw error
    // Safe: it says how objects look, the same to all.
    if (content === 'schema') return plain
    throw new AccessDenied(
      'answer_unreadable',
      `something is masked for you, and this answer cannot be read here: ${error.message}`,
      { hint: 'Ask for JSON.', cause: error },
    )
  }
}

/** To whoever reads it as it is. */
export function isPlainJson({ fields }: ResponseHead): boolean {
  return isJson(fields.get('content-type')) && contentCodings(fields)?.length === 0
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;|$)/i.test(contentType ?? '')
}

function isText(contentType: string | undefined): boolean {
  return /^text\/plain\s*(?:;|$)/i.test(contentType ?? '')
}

function askedOf({ resource, group, namespace, name, verb }: RequestInfo): AskedObjects {
  return {
    resource,
    group,
    namespace: namespace === '' ? undefined : namespace,
    name: name === '' ? undefined : name,
    patches: verb === 'patch',
  }
}

function rulesOf(permit: Permit): ObjectRules {
  return {
    // (Columns of the wire's own class are Secrets'.)
    configMaps: permit.hiddenColumns.some(({ columns }) =>
      columns.some(each => !secretClass.columns.includes(each)),
    ),
    hides: (column, told) => permit.hidden(column, told),
  }
}
