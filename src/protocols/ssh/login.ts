// A client's proof of identity: from the first byte to a principal and the resource that its user name asks for.
// Knows methods of authentication; opens nothing.
import type { Socket } from 'node:net'
import ssh2, {
  type AuthContext,
  type Connection,
  type KeyboardAuthContext,
  type PublicKeyAuthContext,
} from 'ssh2'
import type { Gateway, ListenerSettings } from '#gateway'
import { AuthenticationFailed, isGatewayError, type Origin, type Principal, Secret } from '#model'
import { ciphersFor, clientAlgorithms } from './algorithms.ts'
import { isCertificate, judgeCertificate, type ShownKey } from './certificates/client-proof.ts'
import { presentCertificate } from './certificates/host-proof.ts'
import { guard, type Pressed } from './guard.ts'
import { offerHybrid } from './hybrid-exchange.ts'
import { offerCiphers } from './offer.ts'
import { opensshPrivateKey } from './public-key.ts'
import { type Destination, readUserName } from './user-name.ts'

/** RFC 4252 section 4 advises 20; each try of ours costs a key derivation. */
const MOST_TRIES = 6
const KEEP_ALIVE_MS = 30_000
const LAST_WORDS_MS = 1_000
/** Certificates that a client shows, those that it only asks about too: an agent may hold some. */
const MOST_SHOWN = 20
const METHODS = ['publickey', 'password', 'keyboard-interactive'] as const
/** In place of a password: the person's own sign-in is asked for, in a browser. A word, so that no empty answer of a script waits for anybody. */
const BROWSER = 'browser'
const NAME = /^[a-z0-9._-]{1,63}$/
/** An ephemeral credential in one field: its id, a colon, its secret. */
const CREDENTIAL = /^([^:]+):(.+)$/s

/** A client that proved who it is. Its channels may come from this moment on. */
export interface ClientLogin extends Destination {
  readonly connection: Connection
  readonly pressed: Pressed
  readonly principal: Principal
  readonly origin: Origin
}

/**
 * Undefined when nobody proved anything in time, or the client left. Never rejects for anything that a client does.
 * `ready` is called in the very turn in which the identity stands, before the client can ask for anything.
 */
export function greet(
  socket: Socket,
  {
    gateway,
    listener,
    certificate,
  }: { gateway: Gateway; listener: ListenerSettings; certificate: Buffer },
  ready: (login: ClientLogin) => void,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let deadline = setTimeout(() => socket.destroy(), gateway.limits.loginMs)
  let standing = false
  /** While a person is asked elsewhere: codes are bounded, by address and in all. */
  const wait = (ms: number) => {
    if (standing) return
    clearTimeout(deadline)
    deadline = setTimeout(() => socket.destroy(), ms)
  }
  const origin = {
    ip: socket.remoteAddress ?? '',
    port: socket.remotePort ?? 0,
    ...listener.tunnel?.origin,
  }
  socket.once('close', () => {
    clearTimeout(deadline)
    resolve()
  })
  // What follows an error is `close`.
  socket.on('error', () => {})
  // Nothing can be said to it any more; and one that does not read would keep its half for good.
  socket.once('end', () => void setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref())
  const server = new ssh2.Server(
    {
      hostKeys: [opensshPrivateKey(gateway.hostKey())],
      algorithms: clientAlgorithms,
      ident: 'Sallyport',
      keepaliveInterval: KEEP_ALIVE_MS,
    },
    (connection, info) => {
      // The library ends its half and says why; who keeps the other half open is not waited for.
      connection.on('error', () => void setTimeout(() => socket.destroy(), LAST_WORDS_MS).unref())
      const pressed = guard(connection, socket, 'client')
      presentCertificate(connection, certificate)
      offerCiphers(connection, ciphersFor(info.header.versions.software))
      offerHybrid(connection, 'client')
      const client = info.header.versions.software.slice(0, 64).replace(/[^!-~]/g, '?')
      const proof = new Proof(gateway, listener, { ...origin, client }, wait)
      connection.on('authentication', context => void proof.judge(context, socket))
      connection.on('ready', () => {
        standing = true
        clearTimeout(deadline)
        if (proof.proven === undefined) {
          // It never accepts without a principal: a defect must not become a session.
          socket.destroy()
          return
        }
        ready({ ...proof.proven, connection, pressed, origin: { ...origin, client } })
      })
    },
  )
  server.injectSocket(socket)
  return promise
}

class Proof {
  proven: { principal: Principal; resource: string; login: string | undefined } | undefined
  readonly #gateway: Gateway
  readonly #listener: ListenerSettings
  readonly #origin: Origin
  readonly #wait: (ms: number) => void
  #tries = 0
  #shown = 0

  constructor(
    gateway: Gateway,
    listener: ListenerSettings,
    origin: Origin,
    wait: (ms: number) => void,
  ) {
    this.#wait = wait
    this.#gateway = gateway
    this.#listener = listener
    this.#origin = origin
  }

  /** Never rejects. */
  async judge(context: AuthContext, socket: Socket): Promise<void> {
    try {
      await this.#judge(context, socket)
    } catch {
      // Safe: nobody is let in. The client has left, or sent what the library could not answer, or we have a defect.
      socket.destroy()
    }
  }

  async #judge(context: AuthContext, socket: Socket): Promise<void> {
    const asked = readUserName(context.username)
    const { tunnel } = this.#listener
    try {
      if (tunnel !== undefined) {
        // Whoever holds the tunnel has proved it; it opens one resource, whatever name a tool gives.
        const { login } = asked.resource === tunnel.resource ? asked : { login: undefined }
        return this.#accept(context, tunnel.principal, tunnel.resource, login)
      }
      if (context.method === 'publickey') return await this.#judgeKey(context, asked, socket)
      const words = await this.#words(context)
      if (words === undefined) return context.reject([...METHODS])
      // Counted before it costs anything: tries may come while others are judged.
      if (this.#tries >= MOST_TRIES) return void socket.destroy()
      this.#tries += 1
      const person =
        words === BROWSER && context.method === 'keyboard-interactive'
          ? await this.#askPerson(context, asked.resource, socket)
          : undefined
      const principal = person ?? (await this.#prove(words, asked.resource))
      this.#accept(context, principal, asked.resource, asked.login)
    } catch (error) {
      if (!isGatewayError(error)) throw error
      // Safe: what failed is on record, and nobody is let in. One answer for all that can be wrong.
      if (this.#tries >= MOST_TRIES) socket.destroy()
      else context.reject([...METHODS])
    }
  }

  /** Plain keys are nobody's here, and cost nothing to refuse. */
  async #judgeKey(
    context: PublicKeyAuthContext,
    { resource, login }: Destination,
    socket: Socket,
  ): Promise<void> {
    const { key, signature, blob: bytes } = context
    if (!isCertificate(key.algo)) return context.reject([...METHODS])
    if (this.#shown >= MOST_SHOWN) return void socket.destroy()
    this.#shown += 1
    const shown = { algorithm: key.algo, blob: key.data, signature, bytes }
    const { id, proven } = this.#judged(shown, resource)
    // What comes of this is that the client signs; it proves nothing, so nothing is kept of it.
    if (!proven) return context.accept()
    const principal = await this.#gateway.ephemeral(id).accept(resource, this.#origin)
    this.#accept(context, principal, resource, login)
  }

  #judged(shown: ShownKey, resource: string): { readonly id: string; readonly proven: boolean } {
    const { clients: authority } = this.#gateway.authorities()
    try {
      const { ip } = this.#origin
      return judgeCertificate(shown, { authority, resource, ip, now: Date.now() })
    } catch (error) {
      // Not passed over: it is put on record and thrown on. What nobody signed was only asked about.
      if (isGatewayError(error) && shown.signature !== undefined)
        this.#gateway.loginFailed(this.#origin, error.code)
      throw error
    }
  }

  #accept(
    context: AuthContext,
    principal: Principal,
    resource: string,
    login: string | undefined,
  ): void {
    this.proven = { principal, resource, login }
    context.accept()
  }

  /** What the client typed or holds; undefined: another method, or none. */
  #words(context: AuthContext): Promise<string | undefined> | string | undefined {
    // A client that changes its password sends two, and none of them here.
    if (context.method === 'password')
      return typeof context.password === 'string' ? context.password : undefined
    if (context.method !== 'keyboard-interactive') return undefined
    const or = this.#gateway.asksPeople() ? `; or the word ${BROWSER}` : ''
    return new Promise(resolve => {
      context.once('abort', () => resolve(undefined))
      context.prompt(
        [{ prompt: `Password (ID:SECRET, or a token${or}): `, echo: false }],
        'Sallyport',
        'sallyport credential RESOURCE gives one.',
        answers => resolve(Array.isArray(answers) ? answers[0] : undefined),
      )
    })
  }

  /** Undefined where nobody signs in so: then it is a password like any other. */
  async #askPerson(
    context: KeyboardAuthContext,
    resource: string,
    socket: Socket,
  ): Promise<Principal | undefined> {
    // Read by a person who decides by it: a client may say a name there, and no sentence.
    const to = NAME.test(resource) ? ` to ${resource}` : ''
    const asked = this.#gateway.askPerson(`ssh${to}`, this.#origin)
    if (asked === undefined) return undefined
    const left = new AbortController()
    const leave = () => left.abort()
    context.once('abort', leave)
    socket.once('close', leave)
    this.#wait(Math.max(0, asked.expiresAt - Date.now()))
    const words = `Open ${asked.url} and say yes when it shows ${asked.code}.`
    // Nothing to type: what is answered, and when, makes no difference.
    context.prompt([], 'Sallyport', words, () => {})
    try {
      return await asked.answer(left.signal)
    } finally {
      socket.off('close', leave)
      this.#wait(this.#gateway.limits.loginMs)
    }
  }

  /** An ephemeral credential, or a token. Throws AuthenticationFailed. */
  async #prove(words: string, resource: string): Promise<Principal> {
    const [, id = '', secret = ''] = CREDENTIAL.exec(words) ?? []
    if (!this.#gateway.isCredentialId(id))
      return this.#gateway.authenticate(new Secret(words), this.#origin)
    const login = this.#gateway.ephemeral(id)
    if (await login.matches(new Secret(secret))) return login.accept(resource, this.#origin)
    login.reject(this.#origin)
    throw new AuthenticationFailed('credential_invalid', 'the credential or its secret is wrong')
  }
}
