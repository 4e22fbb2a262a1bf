// The API's description, as OpenAPI 2 and 3, in JSON and in the protobuf form that kubectl asks for.
import { protobufOf } from './gnostic.ts'
import type { Json } from './objects.ts'
import { schemasOf } from './schemas.ts'
import { StatusError, unknownPath } from './status.ts'
import { apiVersionOf, type ResourceType } from './types.ts'

export function openapi(url: URL, accept: string | undefined, types: readonly ResourceType[]) {
  const wished = accept ?? '*/*'
  const protobuf = /com\.github\.proto-openapi\.spec\.v([23])[.@]v1\.0\+protobuf/.exec(wished)
  const give = (document: Json, version: 2 | 3) => {
    if (protobuf?.[1] === String(version))
      return {
        status: 200,
        type: `application/com.github.proto-openapi.spec.v${version}.v1.0+protobuf`,
        body: protobufOf(document, version),
      }
    if (!/application\/json|\*\/\*/.test(wished)) throw new StatusError(406, 'Not Acceptable')
    return { status: 200, type: 'application/json', body: JSON.stringify(document) }
  }
  if (url.pathname === '/openapi/v2') return give(second(types), 2)
  const groups = new Map(types.map(type => [pathOf(type), type]))
  if (url.pathname === '/openapi/v3') {
    const paths = [...groups.keys()].map(path => [
      path,
      { serverRelativeURL: `/openapi/v3/${path}?hash=0A` },
    ])
    return {
      status: 200,
      type: 'application/json',
      body: JSON.stringify({ paths: Object.fromEntries(paths) }),
    }
  }
  const path = url.pathname.slice('/openapi/v3/'.length)
  if (!groups.has(path)) throw unknownPath()
  return give(third(types.filter(type => pathOf(type) === path)), 3)
}

const pathOf = (type: ResourceType) =>
  type.group === '' ? `api/${type.version}` : `apis/${apiVersionOf(type)}`

const info = { title: 'Kubernetes', version: 'v1.32.0' }

/** The names of schemas as `$ref`s of the document's form. */
function referring(value: unknown, prefix: string): unknown {
  if (Array.isArray(value)) return value.map(one => referring(one, prefix))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, own]) => [
      name,
      name === '$ref' ? prefix + String(own) : referring(own, prefix),
    ]),
  )
}

function paths(types: readonly ResourceType[], parameters: readonly Json[]): Json {
  return Object.fromEntries(
    types
      .filter(type => type.verbs === undefined)
      .map(type => [
        `/${pathOf(type)}/${type.namespaced ? 'namespaces/{namespace}/' : ''}${type.resource}/{name}`,
        {
          patch: {
            description: `partially update the specified ${type.kind}`,
            parameters,
            'x-kubernetes-group-version-kind': {
              group: type.group,
              version: type.version,
              kind: type.kind,
            },
          },
        },
      ]),
  )
}

const QUERY = ['dryRun', 'fieldManager', 'fieldValidation']

function second(types: readonly ResourceType[]): Json {
  const parameters = QUERY.map(name => ({ name, in: 'query', type: 'string' }))
  const definitions = referring(schemasOf(types), '#/definitions/')
  return { swagger: '2.0', info, paths: paths(types, parameters), definitions }
}

function third(types: readonly ResourceType[]): Json {
  const parameters = QUERY.map(name => ({ name, in: 'query', schema: { type: 'string' } }))
  const schemas = referring(schemasOf(types), '#/components/schemas/')
  return { openapi: '3.0.0', info, paths: paths(types, parameters), components: { schemas } }
}
