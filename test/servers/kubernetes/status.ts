// What goes wrong, as the API server words it: a `Status` object, thrown.
import { groupResource, type ResourceType } from './types.ts'

const REASONS: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  504: 'Timeout',
}

export class StatusError extends Error {
  readonly code: number
  readonly reason: string
  readonly details: object | undefined

  constructor(code: number, message: string, details?: object, reason?: string) {
    super(message)
    this.code = code
    this.reason = reason ?? REASONS[code] ?? 'Unknown'
    this.details = details
  }

  get status() {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      reason: this.reason,
      ...(this.details === undefined ? {} : { details: this.details }),
      code: this.code,
    }
  }
}

const about = (type: ResourceType, name: string) => ({
  name,
  ...(type.group === '' ? {} : { group: type.group }),
  kind: type.resource,
})

export const notFound = (type: ResourceType, name: string) =>
  new StatusError(404, `${groupResource(type)} "${name}" not found`, about(type, name))

export const alreadyExists = (type: ResourceType, name: string) =>
  new StatusError(
    409,
    `${groupResource(type)} "${name}" already exists`,
    about(type, name),
    'AlreadyExists',
  )

export const conflict = (type: ResourceType, name: string) =>
  new StatusError(
    409,
    `Operation cannot be fulfilled on ${groupResource(type)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    about(type, name),
  )

export const unknownPath = () =>
  new StatusError(404, 'the server could not find the requested resource', {})

export const invalid = (type: ResourceType, name: string, field: string, why: string) =>
  new StatusError(422, `${type.kind} "${name}" is invalid: ${field}: ${why}`, {
    ...about(type, name),
    kind: type.kind,
    causes: [{ reason: 'FieldValueInvalid', message: why, field }],
  })
