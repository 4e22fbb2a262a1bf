// The first segment of a path names the resource; the API server sees what follows.
import { AccessDenied } from '#model'
import type { RequestHead } from '#transport/http'

const RESOURCE = /^\/([a-z0-9][a-z0-9-_.]{0,62})(?:\/|$)/

export const NAMING =
  'The server of a kubeconfig is https://GATEWAY:PORT/RESOURCE; kubectl get --raw takes all of it: /RESOURCE/version.'

/** Undefined: none. */
export function resourceOf({ target }: Pick<RequestHead, 'target'>): string | undefined {
  return RESOURCE.exec(target.path)?.[1]
}

/** What stands before the API server's path. */
export function ownPath(resource: string): string {
  return `/${resource}`
}

/** The path as the API server sees it. Throws AccessDenied: a tunnel opens one resource, and the request names another. */
export function pathThere({ target }: Pick<RequestHead, 'target'>, resource: string): string {
  if (resourceOf({ target }) !== resource)
    throw new AccessDenied(
      'resource_unknown',
      `this connection is to ${resource}, and to no other`,
      {
        hint: NAMING,
      },
    )
  return target.path.slice(ownPath(resource).length) || '/'
}
