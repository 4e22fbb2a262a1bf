// How a person or a script points kubectl at us: lines to paste. No secret is in them.
import type { Endpoint } from '#gateway'

export function connectHint({ resource }: Endpoint): readonly string[] {
  return [`sallyport connect ${resource} -- kubectl get pods`]
}

/** For a local port that asks no password (`sallyport connect`): plain HTTP that does not leave this machine. */
export function toolArguments({ host, port, resource }: Endpoint): readonly string[] {
  return ['--server', `http://${host}:${port}/${resource}`]
}
