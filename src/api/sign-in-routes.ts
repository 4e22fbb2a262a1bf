// People in a browser: to the issuer, back from it, and out again. The token never stands in an address or a log.
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { paths } from '#contract'
import { principalEntry, sourceEntry } from '#gateway'
import {
  type GatewayError,
  InvalidRequest,
  isGatewayError,
  type Origin,
  type Principal,
} from '#model'
import { Repeats } from '#telemetry'
import type { Routes } from './api.ts'
import { originOf, visitor } from './authentication.ts'
import { cookieOf, PENDING_COOKIE, refuseOtherSites, SIGN_IN_COOKIE, setCookie } from './cookies.ts'
import { html, sendPage } from './pages.ts'
import type { ApiParts } from './parts.ts'

const PENDING_SECONDS = 600

export function signInRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'public' } as const
  // Anybody who reaches the page can fail.
  const repeats = new Repeats(parts.log)
  routes.addHook('onClose', async () => repeats.end())
  const logFailure = ({ cause, code }: GatewayError) =>
    repeats.tell('warn', 'sign_in.failed', { code }, { err: cause })

  routes.get(paths.home, { config, schema: { hide: true } }, async (request, reply) => {
    const page = parts.web?.answer(request, reply)
    if (page !== undefined) return page
    const caller = await visitor(parts, request.raw)
    if (caller === undefined) {
      return sendPage(
        reply,
        200,
        'Sallyport',
        html`<p>You are not signed in.</p><p><a href="${paths.signIn}">Sign in</a></p>`,
      )
    }
    const until = new Date(caller.expiresAt).toUTCString()
    return sendPage(
      reply,
      200,
      'Sallyport',
      html`<p>Signed in as <code>${caller.id}</code> until ${until}.</p>
<form method="post" action="${paths.signOut}"><button>Sign out</button></form>`,
    )
  })

  routes.get(
    paths.signIn,
    {
      config,
      schema: { hide: true, querystring: z.object({ return: z.string().max(2_000).optional() }) },
    },
    async (request, reply) => {
      try {
        const { url, pending } = await parts.identity.people.begin(localPath(request.query.return))
        return reply
          .header('set-cookie', setCookie(PENDING_COOKIE, pending, PENDING_SECONDS))
          .redirect(url.href, 302)
      } catch (error) {
        if (!isGatewayError(error)) throw error
        // Safe: nobody left for the issuer. (That nothing is set up is no news, whoever knocks.)
        if (error.cause !== undefined) logFailure(error)
        return sendFailure(reply, error)
      }
    },
  )

  routes.get(paths.callback, { config, schema: { hide: true } }, async (request, reply) => {
    const origin = originOf(request.raw)
    const query = request.url.split('?')[1] ?? ''
    void reply.header('set-cookie', setCookie(PENDING_COOKIE, '', 0))
    try {
      const pending = cookieOf(request.raw, PENDING_COOKIE)
      const done = await parts.identity.people.finish(query, pending)
      await recordSignIn(parts, done.principal, origin, 'browser')
      const seconds = Math.floor((done.principal.expiresAt - parts.now()) / 1_000)
      return reply
        .header('set-cookie', setCookie(SIGN_IN_COOKIE, done.token.reveal(), seconds))
        .redirect(localPath(done.returnTo), 303)
    } catch (error) {
      if (!isGatewayError(error)) throw error
      // Safe: nobody was signed in. It is on record, and the person reads why.
      parts.gateway.loginFailed(origin, error.code)
      logFailure(error)
      return sendFailure(reply, error)
    }
  })

  routes.post(paths.signOut, { config, schema: { hide: true } }, async (request, reply) => {
    refuseOtherSites(request.raw)
    const principal = await visitor(parts, request.raw)
    if (principal !== undefined) await endSignIn(parts, principal, originOf(request.raw))
    return reply.header('set-cookie', setCookie(SIGN_IN_COOKIE, '', 0)).redirect(paths.signOut, 303)
  })

  // Not the console: it would leave for the issuer at once, which may still know who this is.
  routes.get(paths.signOut, { config, schema: { hide: true } }, async (_request, reply) =>
    sendPage(
      reply,
      200,
      'Signed out',
      html`<p>You are signed out here. Your issuer may still know you.</p><p><a href="${paths.signIn}">Sign in</a></p>`,
    ),
  )

  routes.delete(
    paths.signIns,
    {
      config: { access: 'principal' },
      schema: { summary: "Ends the caller's own sign-in", response: { 204: z.null() } },
    },
    async (request, reply) => {
      const { principal, origin } = request.caller!
      if (!(await endSignIn(parts, principal, origin))) {
        throw new InvalidRequest('request_invalid', 'This token is no sign-in of the gateway.')
      }
      return reply.code(204).send(null)
    },
  )
}

/** What stands behind the error is the operator's alone. */
function sendFailure(
  reply: FastifyReply,
  { code, message, hint = '' }: GatewayError,
): FastifyReply {
  return sendPage(
    reply,
    code === 'unavailable' ? 503 : 401,
    'You are not signed in',
    html`<p>${message}</p><p class="soft">${hint}</p><p><a href="${paths.signIn}">Try again</a></p>`,
  )
}

/** Ends it, and puts that on record. False when the principal came by something else. */
async function endSignIn(parts: ApiParts, principal: Principal, origin: Origin): Promise<boolean> {
  if (!parts.identity.people.end(principal)) return false
  await parts.audit.durable(
    parts.audit.append({
      kind: 'login.ended',
      principal: principalEntry(principal),
      source: sourceEntry(origin),
    }),
  )
  await parts.identity.settled()
  return true
}

/** Puts a sign-in on record. A token that is not on record is not given out. */
export async function recordSignIn(
  parts: ApiParts,
  principal: Principal,
  origin: Origin,
  by: 'browser' | 'device',
): Promise<void> {
  await parts.audit.durable(
    parts.audit.append({
      kind: 'login.succeeded',
      principal: principalEntry(principal),
      source: sourceEntry(origin),
      details: { by, expiresAt: principal.expiresAt },
    }),
  )
}

/** A path of our own; anything that could lead elsewhere becomes the home page. */
export function localPath(path: string | undefined): string {
  return path !== undefined && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(path) ? path : paths.home
}
