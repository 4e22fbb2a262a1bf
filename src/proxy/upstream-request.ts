// A permitted request as it goes upstream: to the resource's own path, with its credential and the fields that count there.
// Made once for a request that comes again and again, while what it was made from is the same.
import {
  type Fields,
  RepeatedRequest,
  type RequestHead,
  type UpstreamRequest,
} from '#transport/http'
import type { Injected } from './dialect.ts'
import { requestFields } from './fields.ts'
import { type PermittedRequest, tagPlace } from './permitted-request.ts'
import { framingOf } from './request-body.ts'

export function upstreamRequest(asked: PermittedRequest, injected: Injected): UpstreamRequest {
  const { form } = asked
  const { masks } = asked.permit
  const kept = form?.asked
  if (kept?.injected === injected && kept.masks === masks) return kept.request
  const made = makeRequest(asked, injected, masks)
  if (form === undefined || made.body.kind !== 'none' || made.upgrade !== undefined) return made
  const request = new RepeatedRequest(made)
  form.asked = { injected, masks, request }
  return request
}

function makeRequest(
  permitted: PermittedRequest,
  injected: Injected,
  masks: boolean,
): UpstreamRequest {
  const { open, body, exchange, ip, scheme } = permitted
  const { access, carrier } = open
  const { request } = exchange
  const counting = access.fields?.(request.fields, masks, request)
  const { path, query } = request.target
  const { basePath, ownPath, authority } = access.way(request)
  const asked = path === '*' ? '*' : `${basePath}${path.slice(ownPath.length) || '/'}`
  const fields = requestFields(asCounted(request, counting, body.type), {
    carrier,
    injected: injected.fields,
    plain: masks,
    place: tagPlace(permitted),
    by: { for: ip, proto: scheme, host: request.fields.get('host') ?? '' },
  })
  return {
    method: request.method,
    target: `${asked}${query === undefined ? '' : `?${query}`}`,
    authority,
    fields,
    body: framingOf(body, request),
    ...(request.upgrade === undefined ? {} : { upgrade: request.upgrade }),
  }
}

/** `type`: of the body, where it goes on as another than came. */
function asCounted(
  request: RequestHead,
  counting: Fields | undefined,
  type: string | undefined,
): RequestHead {
  if (type === undefined) return counting === undefined ? request : { ...request, fields: counting }
  return { ...request, fields: (counting ?? request.fields).with('content-type', type) }
}
