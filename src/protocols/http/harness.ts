// Drives the contract suite (test/contract) over this wire.
import type { Duplex } from 'node:stream'
import { isAnswer, openRequests, request, violations } from '../../proxy/harness.ts'

const SECRET_VALUE = 'secret.person@example.com'

export const harness = {
  protocol: 'http',
  secretValue: SECRET_VALUE,
  refusalCode: '403',
  /** Tokens make long heads. */
  cuts: 200,
  many: 200,
  /** What the upstream answers, by path. */
  setup: JSON.stringify({ '/kept': [1], '/kept-address': [SECRET_VALUE], '/closed': ['never'] }),
  dataClasses: { email: { detect: 'email', mask: 'redact' } },
  policies: `
@id("contract-asks")
permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"contract");
@id("contract-closed")
@reason("the closed table is closed")
forbid (principal, action, resource == Object::"contract/closed");
`,
  resource: ({ port }: { port: number }) => ({
    upstream: { url: `http://127.0.0.1:${port}` },
    credential: { token: 'env:UPSTREAM_SECRET' },
  }),

  isAnswer,
  violations: violations(),

  /** Nobody says who it is: the first answer says so. */
  startup: (resource: string) => request('GET /kept', `Sallyport-Resource: ${resource}\r\n`),

  async open(stream: Duplex, resource: string, token: string) {
    const own = `Sallyport-Resource: ${resource}\r\nAuthorization: Bearer ${token}\r\n`
    return openRequests(stream, own, asked, body => (body as unknown[]).map(String))
  },
}

const asked = {
  read: { line: 'GET /kept' },
  sensitive: { line: 'GET /kept-address' },
  forbidden: { line: 'GET /closed' },
  write: { line: 'PUT /kept', fields: 'Content-Length: 0\r\n' },
}
