// Which requests somebody sees: one's own, what one may decide, and all with console:read.
import type { AccessRequestView } from '#contract'
import { type AccessRequest, InvalidRequest } from '#model'
import type { ApiParts, Caller } from './parts.ts'
import { has, isOwn } from './rights.ts'
import { requestView } from './views.ts'

export interface RequestSight {
  visible(request: AccessRequest): boolean
  /** May decide on it, or look at all: what helps to decide is for these, not for whoever asks. */
  decides(request: AccessRequest): boolean
  /** Texts over `most` characters are cut. */
  view(request: AccessRequest, most?: number): AccessRequestView
}

export function requestSight(parts: ApiParts, caller: Caller): RequestSight {
  const mayVote = parts.gateway.ballot(caller.principal, caller.origin)
  const all = has(parts, caller, 'console:read')
  return {
    visible: request => all || isOwn(caller, request) || mayVote(request),
    decides: request => all || mayVote(request),
    view: (request, most = Number.POSITIVE_INFINITY) => {
      const votes = mayVote(request)
      return requestView(request, {
        mayVote: request.state === 'pending' && votes && !hasVoted(request, caller),
        // Not whoever asks: an estimate answers what it may not read.
        preview: all || votes,
        most,
        tags: parts.inventory.get(request.resource)?.tags ?? {},
      })
    },
  }
}

/** A second vote counts for nothing: it is not offered. */
function hasVoted({ votes }: AccessRequest, { principal }: Caller): boolean {
  return votes.some(({ approver }) => approver === principal.id)
}

/** The request, when the caller may see it. Throws InvalidRequest `request_unknown`. */
export async function visibleRequest(
  parts: ApiParts,
  caller: Caller,
  id: string,
): Promise<AccessRequest> {
  const found = await known(parts, id)
  if (found !== undefined && requestSight(parts, caller).visible(found)) return found
  throw new InvalidRequest(
    'request_unknown',
    `There is no request ${id.slice(0, 40)} that you may see.`,
  )
}

async function known(parts: ApiParts, id: string): Promise<AccessRequest | undefined> {
  try {
    return await parts.requests.get(id)
  } catch (error) {
    // Safe: unknown and not visible get one answer, so that ids cannot be probed.
    if (error instanceof InvalidRequest) return undefined
    throw error
  }
}
