// `sallyport login` on a machine without a browser (RFC 8628): a program asks for a code, a person who is signed in
// types it and says yes, the program takes its token.
import { z } from 'zod'
import { paths, schemas } from '#contract'
import { InvalidRequest, isGatewayError } from '#model'
import type { Routes } from './api.ts'
import { originOf, visitor } from './authentication.ts'
import { refuseOtherSites } from './cookies.ts'
import { type Html, html, sendPage } from './pages.ts'
import type { ApiParts } from './parts.ts'
import { recordSignIn } from './sign-in-routes.ts'

const code = z.string().max(32)

export function deviceRoutes(routes: Routes, parts: ApiParts): void {
  const config = { access: 'public' } as const
  const { people } = parts.identity

  routes.post(
    paths.deviceCode,
    {
      config,
      schema: {
        summary: 'Asks for a code that a person confirms in a browser (RFC 8628)',
        security: [],
        body: z.strictObject({ client: z.string().min(1).max(128) }),
        response: { 200: schemas.deviceCode },
      },
    },
    async request => {
      const { ip } = originOf(request.raw)
      const page = `${parts.url()}${paths.device}`
      const started = people.startDevice({ client: request.body.client, ip })
      return { ...started, page, pageWithCode: `${page}?code=${started.userCode}` }
    },
  )

  routes.post(
    paths.deviceToken,
    {
      config,
      schema: {
        summary: 'The token, once, when the code was confirmed; `approval_pending` until then',
        security: [],
        body: z.strictObject({ deviceCode: z.string().min(1).max(64) }),
        response: { 200: schemas.signedIn },
      },
    },
    async request => {
      const { token, principal } = people.takeDevice(request.body.deviceCode)
      await recordSignIn(parts, principal, originOf(request.raw), 'device')
      return { token: token.reveal(), principal: principal.id, expiresAt: principal.expiresAt }
    },
  )

  routes.get(
    paths.device,
    { config, schema: { hide: true, querystring: z.object({ code: code.optional() }) } },
    async (request, reply) => {
      const typed = request.query.code
      const person = await visitor(parts, request.raw)
      if (person === undefined) {
        const back = typed === undefined ? '' : `?code=${encodeURIComponent(typed)}`
        const here = encodeURIComponent(`${paths.device}${back}`)
        return reply.redirect(`${paths.signIn}?return=${here}`, 303)
      }
      if (typed === undefined) return sendPage(reply, 200, 'Sign in a program', ASK)
      const asked = people.device(typed, person)
      if (asked === undefined) {
        return sendPage(
          reply,
          404,
          'Sign in a program',
          html`<p>Nothing waits under the code <code>${typed}</code>. Codes end after ten minutes.</p>${ASK}`,
        )
      }
      const minutes = Math.round((parts.now() - asked.askedAt) / 60_000)
      return sendPage(
        reply,
        200,
        'Sign in a program?',
        html`<p><code class="large">${asked.userCode}</code></p>
<dl><dt>who asks</dt><dd>${asked.client}, unverified</dd><dt>from</dt><dd>${asked.ip}</dd>
<dt>when</dt><dd>${minutes < 1 ? 'just now' : `${minutes} min ago`}</dd><dt>as</dt><dd><code>${person.id}</code></dd></dl>
<p>Say yes only when you started this yourself, and the program shows this very code. Whoever shows it can then act as you.</p>
<form method="post" action="${paths.device}"><input type="hidden" name="code" value="${asked.userCode}">
<button name="answer" value="yes">Yes, it is me</button><button name="answer" value="no">No</button></form>`,
      )
    },
  )

  routes.post(
    paths.device,
    {
      config,
      schema: {
        hide: true,
        body: z.strictObject({ code, answer: z.enum(['yes', 'no']) }),
      },
    },
    async (request, reply) => {
      refuseOtherSites(request.raw)
      const person = await visitor(parts, request.raw)
      if (person === undefined) throw new InvalidRequest('not_allowed', 'You are not signed in.')
      const yes = request.body.answer === 'yes'
      try {
        const known = people.answerDevice(request.body.code, person, yes)
        const [status, words] = known
          ? [200, yes ? 'The program is signed in. You can close this page.' : 'It is refused.']
          : [404, 'Nothing waits under this code any more.']
        return sendPage(reply, status, 'Sign in a program', html`<p>${words}</p>`)
      } catch (error) {
        if (!isGatewayError(error)) throw error
        // Safe: the program is not signed in, and the person reads why.
        return sendPage(reply, 403, 'Sign in a program', html`<p>${error.message}</p>`)
      }
    },
  )
}

const ASK: Html = html`<form method="get" action="${paths.device}">
<label>The code that the program shows <input name="code" autocomplete="off" autofocus maxlength="16"></label>
<button>Continue</button></form>`
