// Drives the contract suite (test/contract) over this wire.
import type { Duplex } from 'node:stream'
import { isAnswer, openRequests, request, violations } from '../../proxy/harness.ts'

const SECRET_VALUE = 'secret.person@example.com'
const MAPS = '/contract/api/v1/namespaces/default/configmaps'

export const harness = {
  protocol: 'kubernetes',
  secretValue: SECRET_VALUE,
  refusalCode: '403',
  /** Tokens make long heads. */
  cuts: 100,
  many: 200,
  /** What the cluster has: ConfigMaps by name. */
  setup: JSON.stringify({ kept: '1', 'kept-address': SECRET_VALUE, closed: 'never' }),
  dataClasses: { email: { detect: 'email', mask: 'redact' } },
  policies: `
@id("contract-asks")
permit (principal, action in [Action::"connect", Action::"read", Action::"write"], resource in Resource::"contract");
@id("contract-closed")
@reason("the closed table is closed")
forbid (principal, action, resource == Object::"contract/configmaps/default/closed");
`,
  resource: ({ port, ca }: { port: number; ca?: string }) => ({
    upstream: { server: `https://127.0.0.1:${port}`, ca },
    credential: { token: 'env:UPSTREAM_SECRET' },
  }),

  isAnswer,
  violations: violations(MAPS),

  /** Nobody says who it is: the first answer says so. */
  startup: (resource: string) => request(`GET /${resource}/api`),

  async open(stream: Duplex, _resource: string, token: string) {
    return openRequests(stream, `Authorization: Bearer ${token}\r\n`, asked, body => {
      const { data = {} } = body as { readonly data?: Readonly<Record<string, string>> }
      return Object.values(data)
    })
  },
}

const asked = {
  read: { line: `GET ${MAPS}/kept` },
  sensitive: { line: `GET ${MAPS}/kept-address` },
  forbidden: { line: `GET ${MAPS}/closed` },
  write: { line: `DELETE ${MAPS}/kept` },
}
