// Who asks, and for which resource: read from one request's head. Verifies through the gateway; opens nothing.
import { isIP } from 'node:net'
import type { Gateway } from '#gateway'
import { AuthenticationFailed, InvalidRequest, type Origin, type Principal, Secret } from '#model'
import type { RequestHead } from '#transport/http'

export type Proof =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'credential'; readonly id: string; readonly secret: string }
  /** The connection's own. */
  | { readonly kind: 'certificate' }

type ProofByWords = Exclude<Proof, { kind: 'certificate' }>

export interface Asking {
  readonly resource: string
  readonly proof: Proof
  /** The field that carried it: ours, never the upstream's. Undefined: none did. */
  readonly carrier: 'authorization' | 'sallyport-authorization' | undefined
  /** One for each resource and proof, on this connection. Never leaves the process. */
  readonly key: string
}

/**
 * `certified`: the client proved itself by a certificate, which is enough. Throws AuthenticationFailed: there is no proof, or none
 * that we read.
 */
export function proofOf(
  { fields, method }: RequestHead,
  certified = false,
): Pick<Asking, 'proof' | 'carrier'> {
  const own = fields.all('sallyport-authorization')
  const carrier = own.length > 0 ? 'sallyport-authorization' : 'authorization'
  const [words, second] = own.length > 0 ? own : fields.all('authorization')
  if (words === undefined && certified) {
    // A browser shows it to whatever page asks, as it does with Basic.
    refuseOtherSites(fields, method)
    return { carrier: undefined, proof: { kind: 'certificate' } }
  }
  if (words === undefined)
    throw new AuthenticationFailed(
      'token_required',
      'This needs a token or an ephemeral credential.',
      {
        hint: 'Authorization: Bearer TOKEN, or Basic with ID:SECRET from: sallyport credential RESOURCE',
      },
    )
  const [, scheme = '', value = ''] = /^([A-Za-z]+) +([\w\-.~+/]+=*)$/.exec(words) ?? []
  if (second !== undefined || value === '') throw unreadable()
  if (scheme.toLowerCase() === 'bearer') return { carrier, proof: { kind: 'token', token: value } }
  if (scheme.toLowerCase() !== 'basic') throw unreadable()
  refuseOtherSites(fields, method)
  const pair = Buffer.from(value, 'base64').toString('utf8')
  const colon = pair.indexOf(':')
  if (colon < 0) throw unreadable()
  return {
    carrier,
    proof: { kind: 'credential', id: pair.slice(0, colon), secret: pair.slice(colon + 1) },
  }
}

/** Throws AuthenticationFailed. */
export async function prove(
  proof: ProofByWords,
  resource: string,
  origin: Origin,
  gateway: Gateway,
): Promise<Principal> {
  const found = proof.kind === 'token' ? credentialIn(proof, gateway) : proof
  if (found.kind === 'token') return gateway.authenticate(new Secret(found.token), origin)
  const { id, secret } = found
  // git and others ask for a name and a password: whoever has a token gives it as the password.
  if (!gateway.isCredentialId(id)) return gateway.authenticate(new Secret(secret), origin)
  const login = gateway.ephemeral(id)
  if (await login.matches(new Secret(secret))) return login.accept(resource, origin)
  login.reject(origin)
  throw new AuthenticationFailed('credential_invalid', 'the credential or its secret is wrong')
}

/**
 * `ID.SECRET`, of clients that have no place but a token's. No JWT is taken for one: its first character stands for a brace, or for the
 * space before it, and is no `s`.
 */
function credentialIn(proof: Proof & { kind: 'token' }, gateway: Gateway): ProofByWords {
  const dot = proof.token.indexOf('.')
  const id = proof.token.slice(0, Math.max(dot, 0))
  if (!gateway.isCredentialId(id)) return proof
  return { kind: 'credential', id, secret: proof.token.slice(dot + 1) }
}

/**
 * A browser sends what it was once given for us along with what any page asks of us, also one of another resource. (Fetch
 * Metadata: clients that are no browsers say nothing.) Whoever follows a link may, and reads.
 */
export function refuseOtherSites(fields: RequestHead['fields'], method: string): void {
  const site = fields.get('sec-fetch-site')
  if (site === undefined || site === 'same-origin' || site === 'none') return
  if (fields.get('sec-fetch-mode') === 'navigate' && method === 'GET') return
  throw new InvalidRequest('request_invalid', 'a page of another origin asked for this')
}

/**
 * Whoever reaches a port on a user's own machine need prove nothing there: pages of others are refused, and so are names that led there
 * (DNS rebinding), for then a page's own origin is not what it seems. Throws InvalidRequest.
 */
export function refuseOtherPages({ fields, method, host }: RequestHead): void {
  refuseOtherSites(fields, method)
  const name = host?.name ?? 'localhost'
  if (isIP(name) !== 0 || name === 'localhost' || name.endsWith('.localhost')) return
  throw new InvalidRequest('request_invalid', 'this port is known as localhost only', {
    hint: 'Ask for it as 127.0.0.1 or localhost.',
  })
}

function unreadable(): AuthenticationFailed {
  return new AuthenticationFailed(
    'token_invalid',
    'The Authorization field is neither Bearer nor Basic.',
  )
}
