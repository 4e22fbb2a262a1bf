// How a person or a script points a client at us: lines to paste. No secret is in them.
import type { Endpoint } from '#model'

export function connectHint({ host, port, resource }: Endpoint): readonly string[] {
  return [
    `ssh -p ${port} ${resource}@${host}   # the password is ID:SECRET, from: sallyport credential ${resource}`,
    `sallyport credential ${resource} --certificate   # no password: gives a key for 15 minutes, and the ssh line that uses it`,
    `rsync -e 'ssh -p ${port}' FILE ${resource}@${host}:`,
  ]
}

/** For a local port that asks no password (`sallyport run`). */
export function localUrl({ host, port, resource }: Endpoint): string {
  return `ssh://${resource}@${host}:${port}`
}

/**
 * For a local port that asks no password (`sallyport connect`). The last hop does not leave this machine, and the tunnel
 * behind it has proved the gateway by its certificate: there is no host key to check here.
 */
export function toolArguments({ host, port, resource }: Endpoint): readonly string[] {
  return [
    '-p',
    String(port),
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
    '-o',
    'LogLevel=ERROR',
    `${resource}@${host}`,
  ]
}
