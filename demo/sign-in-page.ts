// How people sign in at the demo's issuer: a page that asks who one wants to be. No password: whoever reaches
// loopback is trusted here, and nowhere else.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type Provider from 'oidc-provider'
import type { Persona } from './issuer.ts'

const PAGE = /^\/choose\/[\w-]+(?:\?as=([\w-]+))?$/
/** What comes with a scope of its own, as at other issuers (OpenID Connect Core section 5.4). */
const OF_EMAIL = ['email', 'email_verified']

/** People alone: agents and who is acted for bring tokens. */
function persons(people: Readonly<Record<string, Persona>>): readonly string[] {
  return Object.entries(people)
    .filter(([, { claims }]) => claims['kind'] === 'user' && claims['act'] === undefined)
    .map(([id]) => id)
}

/** Answers the requests for the page; gives true when it was one. */
export function choosePerson(provider: Provider, people: Readonly<Record<string, Persona>>) {
  const names = persons(people)
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const found = PAGE.exec(request.url ?? '')
    if (found === null) return false
    const [, as] = found
    if (as === undefined || !names.includes(as)) {
      const links = names.map(name => `<li><a href="?as=${name}">${name}</a></li>`).join('')
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end(
        `<!doctype html><title>Demo issuer</title><h1>Who do you want to be?</h1><ul>${links}</ul>`,
      )
      return true
    }
    provider
      .interactionFinished(request, response, {
        login: { accountId: as, amr: people[as]?.claims['amr'] },
      })
      .catch((error: unknown) => {
        // The page was kept too long, or opened in another browser: the person begins again.
        response.statusCode = 400
        response.end(error instanceof Error ? error.message : 'failed')
      })
    return true
  }
}

/** The part of the provider's configuration that signs people in. */
export function browserSignIn(people: Readonly<Record<string, Persona>>) {
  const claims = [...new Set(Object.values(people).flatMap(each => Object.keys(each.claims)))]
  return {
    interactions: {
      url: (_context: unknown, interaction: { uid: string }) => `/choose/${interaction.uid}`,
    },
    claims: {
      openid: ['sub', ...claims.filter(claim => claim !== 'act' && !OF_EMAIL.includes(claim))],
      email: [...OF_EMAIL],
    },
    // What the gateway needs stands in the ID token itself.
    conformIdTokenClaims: false,
    findAccount: (_context: unknown, id: string) => {
      const persona = people[id]
      if (persona === undefined) return undefined
      return { accountId: id, claims: () => ({ ...persona.claims, sub: persona.subject }) }
    },
    /** Nobody is asked for consent in a demo. */
    async loadExistingGrant(context: {
      oidc: {
        client: { clientId: string }
        session: { accountId: string }
        provider: { Grant: new (of: object) => { addOIDCScope(s: string): void; save(): unknown } }
      }
    }) {
      const { client, session, provider } = context.oidc
      const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    },
  }
}
