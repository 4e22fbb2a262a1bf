// A credential that a program on the gateway's machine gives: https://kubernetes.io/docs/reference/config-api/client-authentication.v1/.
// The operator names the program; nothing of a request reaches it.
import { execFile } from 'node:child_process'
import { z } from 'zod'
import { UpstreamError } from '#model'

export const execSettings = z.strictObject({
  /** The program and its arguments, each a word: no shell reads them. */
  command: z.array(z.string().min(1).max(4_096)).min(1).max(64),
})

export type ExecSettings = z.infer<typeof execSettings>

export interface ExecCredential {
  readonly token?: string | undefined
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** Unix ms; undefined: it says nothing of an end. */
  readonly expiresAt?: number | undefined
}

const DEADLINE_MS = 30_000
const LARGEST = 256 * 1_024
const VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']

const answer = z.object({
  kind: z.literal('ExecCredential'),
  apiVersion: z.enum(VERSIONS),
  status: z.object({
    token: z.string().min(1).optional(),
    clientCertificateData: z.string().min(1).optional(),
    clientKeyData: z.string().min(1).optional(),
    expirationTimestamp: z.iso.datetime({ offset: true }).optional(),
  }),
})

/** Throws UpstreamError: what it says itself is for the operator's log, never its output. */
export async function askPlugin(
  { command }: ExecSettings,
  environment: Readonly<Record<string, string>>,
): Promise<ExecCredential> {
  const [program = '', ...args] = command
  const info = {
    apiVersion: VERSIONS[0],
    kind: 'ExecCredential',
    spec: { interactive: false },
  }
  const text = await run(program, args, {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...environment,
    KUBERNETES_EXEC_INFO: JSON.stringify(info),
  })
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch {
    // (Its text could hold the credential: nothing of it is told.)
    throw failed('its output is no JSON')
  }
  const checked = answer.safeParse(read)
  if (!checked.success) throw failed('its output is no ExecCredential of v1 or v1beta1')
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = checked.data.status
  if (token === undefined && (clientCertificateData === undefined || clientKeyData === undefined))
    throw failed('it gives neither a token nor a certificate with its key')
  return {
    token,
    certificate: clientCertificateData,
    key: clientKeyData,
    expiresAt: expirationTimestamp === undefined ? undefined : Date.parse(expirationTimestamp),
  }
}

function run(program: string, args: readonly string[], env: Record<string, string>) {
  return new Promise<string>((resolve, reject) => {
    const options = {
      env,
      timeout: DEADLINE_MS,
      maxBuffer: LARGEST,
      encoding: 'utf8',
      // Every request to the cluster waits for it: it is not asked to end.
      killSignal: 'SIGKILL',
    } as const
    const child = execFile(program, args, options, (error, stdout) => {
      if (error === null) resolve(stdout)
      else if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER')
        reject(failed('it says too much'))
      else if (error.killed === true) reject(failed('it took too long'))
      else if (error.code === 'ENOENT') reject(failed('there is no such program'))
      else reject(failed(`it ended with ${error.code ?? error.signal ?? 'an error'}`))
    })
    child.stdin?.end()
  })
}

function failed(why: string): UpstreamError {
  return new UpstreamError(
    'upstream_refused',
    `the program that gives the cluster's credential failed: ${why}`,
  )
}
