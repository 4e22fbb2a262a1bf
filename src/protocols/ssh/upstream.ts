// Our own login at the protected host, with the resource's credential. Knows no client.
import { createPrivateKey } from 'node:crypto'
import ssh2, { type Client, type ConnectConfig } from 'ssh2'
import type { Gateway, OpeningSession } from '#gateway'
import { type ResolvedSecrets, UpstreamError } from '#model'
import { upstreamAlgorithms } from './algorithms.ts'
import { KnownHost } from './certificates/known-host.ts'
import { type UpstreamProof, upstreamProof } from './certificates/upstream-proof.ts'
import { guard, type Pressed } from './guard.ts'
import { offerHybrid } from './hybrid-exchange.ts'
import { opensshPrivateKey } from './public-key.ts'
import { CERTIFICATE, type SshSettings } from './settings.ts'

const KEEP_ALIVE_MS = 30_000
/** From the end of a connection to its socket's, whatever the host does with its half. */
const LAST_WORDS_MS = 1_000

export interface UpstreamLogin {
  readonly client: Client
  readonly end: () => void
  /** Resolves when the host's connection is over, however it ended. */
  readonly gone: Promise<void>
  readonly pressed: Pressed
  /** How long the host may take to start what it is asked for. */
  readonly startMs: number
}

/** Throws UpstreamError. What the host says goes to the log, not to the client. */
export async function logIn(
  session: OpeningSession<SshSettings>,
  login: string | undefined,
  gateway: Pick<Gateway, 'limits' | 'authorities'>,
): Promise<UpstreamLogin> {
  const { host, port, hostKeys } = session.resource.upstream
  const { limits } = gateway
  const expected = new KnownHost(host, hostKeys)
  const credential = await session.credential()
  try {
    if (login !== undefined && login !== credential.user) {
      throw new UpstreamError(
        'upstream_refused',
        `the gateway has no credential for ${login} there`,
        {
          hint: `leave the login out, or use ${credential.user}+${session.resource.name}`,
        },
      )
    }
    const proof = certificateOf(session, credential.user, gateway)
    const socket = await session.dial(host, port)
    const client = new ssh2.Client()
    const gone = new Promise<void>(resolve => {
      client.once('close', () => resolve())
      socket.once('close', () => resolve())
    })
    const soon = () => void setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref()
    socket.once('end', soon)
    let known = true
    const standing = new Promise<void>((resolve, reject) => {
      client.once('ready', () => resolve())
      client.on('error', cause => {
        reject(refusal(cause, known))
        soon()
      })
      void gone.then(() => reject(new UpstreamError('upstream_lost', 'the host hung up')))
    })

    client.connect({
      sock: socket,
      username: credential.user,
      ...(proof === undefined ? proofOf(credential.secrets) : { privateKey: proof.privateKey }),
      // No first-use trust: a key that is not pinned ends it.
      hostVerifier: (key: Buffer) => {
        known = expected.knows(client, key)
        return known
      },
      algorithms: upstreamAlgorithms(expected.types),
      readyTimeout: limits.upstreamLoginMs,
      keepaliveInterval: KEEP_ALIVE_MS,
      ident: 'Sallyport',
    })
    const pressed = guard(client, socket, 'host')
    expected.install(client)
    proof?.install(client)
    offerHybrid(client, 'host')
    try {
      await standing
    } catch (error) {
      client.destroy()
      throw error
    }
    const end = () => {
      client.end()
      soon()
    }
    return { client, end, gone, pressed, startMs: limits.upstreamLoginMs }
  } finally {
    credential.release()
  }
}

/** Where the resource's credential is `certificate: ours`. */
function certificateOf(
  { resource, principal, id }: OpeningSession<SshSettings>,
  user: string,
  gateway: Pick<Gateway, 'authorities'>,
): UpstreamProof | undefined {
  if (resource.credential.ours?.includes(CERTIFICATE) !== true) return undefined
  const actor = principal.actors[0]
  const who = actor === undefined ? principal.id : `${principal.id}/${actor.id}`
  try {
    return upstreamProof({ user, id: `${id}:${who}`, now: Date.now() }, gateway.authorities())
  } catch (cause) {
    throw new UpstreamError('upstream_refused', 'no certificate can be for this login', { cause })
  }
}

function proofOf(
  secrets: ResolvedSecrets,
): Pick<ConnectConfig, 'password' | 'privateKey' | 'passphrase'> {
  const { password, privateKey, passphrase } = secrets
  return {
    ...(password === undefined ? {} : { password: password.reveal() }),
    ...(privateKey === undefined ? {} : { privateKey: readable(privateKey.reveal()) }),
    ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }),
  }
}

/** The library reads OpenSSH's form and the older ones; PKCS #8 is what the rest of the world writes. */
function readable(pem: string): string {
  if (!pem.includes('-----BEGIN PRIVATE KEY-----')) return pem
  const key = createPrivateKey(pem)
  if (key.asymmetricKeyType === 'ed25519') return opensshPrivateKey(key)
  const type = key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1'
  return String(key.export({ type, format: 'pem' }))
}

function refusal(cause: Error & { level?: string }, known: boolean): UpstreamError {
  if (!known) {
    return new UpstreamError(
      'upstream_refused',
      'the host showed a key that is not one of those pinned for it',
      { cause, hint: 'ask the operator: hostKeys of the resource names the keys that are trusted' },
    )
  }
  if (cause.level === 'client-authentication') {
    return new UpstreamError(
      'upstream_refused',
      'the host refused the credential that the gateway holds for it',
      { cause },
    )
  }
  return new UpstreamError('upstream_unreachable', 'the host could not be logged in to', { cause })
}
