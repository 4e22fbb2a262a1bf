// Why nobody was signed in: what the person reads, and behind it, as the cause, what the operator does. Strangers read the first alone.
import { AuthorizationResponseError, ResponseBodyError } from 'openid-client'
import { AuthenticationFailed, Unavailable, UpstreamError } from '#model'

/** RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core section 3.1.2.6: what of an issuer's own words goes into the log. */
const SAID: Readonly<Record<string, string>> = {
  invalid_client: 'it does not know identity.login.clientId, or its secret is another one',
  unauthorized_client: 'the client may not use the authorization code there',
  unsupported_response_type: 'the client may not use the authorization code there',
  invalid_grant: 'the code had ended or was used, or the redirect address is another one',
  invalid_scope: 'it does not give what identity.login.scopes asks for',
  redirect_uri_mismatch: 'the client has another redirect address there',
  access_denied: 'the person or the issuer said no',
  login_required: 'nobody is signed in there',
  consent_required: 'the person has not consented there',
  interaction_required: 'the person had to do something there first',
  invalid_request: 'the request was not what it expects',
  server_error: 'it failed',
  temporarily_unavailable: 'it is not available',
}

export function failed(message: string, cause?: unknown): AuthenticationFailed {
  return new AuthenticationFailed('token_invalid', message, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'Begin again at the start.',
  })
}

export function unreachable(cause: unknown): Unavailable {
  return new Unavailable('unavailable', 'The issuer of the sign-in does not answer.', { cause })
}

/** The gateway's own secret at the issuer is not there: which one, the log says. */
export function notReady(cause: unknown): Unavailable {
  return new Unavailable('unavailable', 'Nobody can sign in here at present.', {
    cause,
    hint: 'Tell whoever runs the gateway: its log says why.',
  })
}

/** No `identity.login`: there is no page on which anybody could say who they are. */
export function notSetUp(): Unavailable {
  return new Unavailable('unavailable', 'Signing in is not set up on this gateway.', {
    hint: 'It takes a token (SALLYPORT_TOKEN). Whoever runs it sets signing in up by identity.login in sallyport.yaml.',
  })
}

/** What the issuer answered, in words of ours; anything else as it was. */
export function refusal(cause: unknown): unknown {
  if (!(cause instanceof ResponseBodyError || cause instanceof AuthorizationResponseError))
    return cause
  const { error } = cause
  const words = Object.hasOwn(SAID, error) ? SAID[error] : undefined
  if (words === undefined) return cause
  return new UpstreamError('upstream_refused', `the issuer answered ${error}: ${words}`)
}
