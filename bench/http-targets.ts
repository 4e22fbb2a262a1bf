// One nginx that serves files, reached directly, through an nginx as a reverse proxy with one worker, and through Sallyport.
// All on loopback without TLS; every client sends the same bytes to each.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startIssuer } from '../demo/index.ts'
import { issuerEntry, startGateway } from '../test/servers/gateway.ts'
import { startNginx } from '../test/servers/nginx.ts'
import { freePort } from '../test/servers/ports.ts'
import type { Target } from './method.ts'

export const BIG_BYTES = 100 * 1024 * 1024

export interface HttpTargets {
  readonly direct: Target
  /** Direct access once more: what the machine's noise makes of two equal things. */
  readonly control: Target
  readonly nginx: Target
  readonly sallyport: Target
  /** Of each request: who asks, and for what. `masked` is the resource where three fields are hidden. */
  fields(resource: 'plain' | 'masked'): readonly string[]
  stop(): Promise<void>
}

// By method and path, so that no decision is settled before the request is there.
const POLICY = `
@id("bench-connects")
permit (principal is Agent, action == Action::"connect", resource);
@id("bench-reads")
permit (principal is Agent, action == Action::"read", resource) when { context.verb == "GET" };
@id("bench-closed")
forbid (principal, action, resource == Object::"plain/closed");
@id("bench-sees-all")
permit (principal is Agent, action == Action::"reveal", resource) when { context.resource == Resource::"plain" };
`

/** What `GET /customers.json` answers: 5 kB, with a name, an address and a card to hide. */
export function customers(): string {
  const customer = (i: number) => ({
    id: 1000 + i,
    fullName: i === 0 ? 'Ann Example' : undefined,
    email: i === 0 ? 'ann@example.com' : undefined,
    card: i === 0 ? '4111111111111111' : undefined,
    city: 'Amsterdam',
    since: '2021-04-01T10:00:00Z',
    balance: 1234.5 + i,
    tags: ['gold', 'newsletter'],
    note: 'Called about the invoice of last month, wants a copy by post.',
    active: true,
  })
  return JSON.stringify({
    customers: Array.from({ length: 26 }, (_, i) => customer(i)),
    next: null,
  })
}

/** Files, and the reverse proxy in front of them. `stops` learns how to end both. */
export async function startNginxes(stops: (() => Promise<unknown>)[]) {
  const [originPort, proxyPort] = [await freePort(), await freePort()]
  const origin = await startNginx(
    originPort,
    `types { application/json json; }
     server { listen 127.0.0.1:${originPort}; root FOLDER/root; location / { sendfile on; } }`,
  )
  stops.push(() => origin.stop())
  writeFileSync(join(origin.folder, 'root', 'small'), 'x'.repeat(1024))
  writeFileSync(join(origin.folder, 'root', 'big'), Buffer.alloc(BIG_BYTES, 'y'))
  writeFileSync(join(origin.folder, 'root', 'customers.json'), customers())
  const proxy = await startNginx(
    proxyPort,
    `upstream origin { server 127.0.0.1:${originPort}; keepalive 128; }
     server { listen 127.0.0.1:${proxyPort};
       location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering on; proxy_max_temp_file_size 0; } }`,
  )
  stops.push(() => proxy.stop())
  return {
    direct: target('direct', originPort, []),
    nginx: target('nginx', proxyPort, [proxy.pid]),
  }
}

export function target(name: string, port: number, pids: readonly number[]): Target {
  return { name, port, pids, database: '', user: '', password: '' }
}

/**
 * Identity, policy, audit and recording as they are by default, and an upstream's credential put in. `env`: of the gateway's
 * process, besides (`NODE_OPTIONS` for a profile).
 */
export async function startHttpTargets(
  env: Readonly<Record<string, string>> = {},
): Promise<HttpTargets> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const each of stops.reverse()) await each()
  }
  try {
    const { direct, nginx } = await startNginxes(stops)
    const issuer = await startIssuer()
    stops.push(() => issuer.stop())
    const resource = {
      protocol: 'http',
      upstream: { url: `http://127.0.0.1:${direct.port}` },
      credential: { headers: { 'X-Api-Key': 'env:UPSTREAM' } },
    }
    const gateway = await startGateway({
      issuers: [issuerEntry(issuer.url)],
      resources: [
        { ...resource, name: 'plain' },
        { ...resource, name: 'masked' },
      ],
      policies: { 'bench.cedar': POLICY },
      dataClasses: {
        name: { keys: ['full_name'], mask: 'redact' },
        email: { pointers: ['/customers/0/email'], mask: 'partial' },
        card: { keys: ['card'], mask: 'redact' },
      },
      settings: { limits: { sessionsPerPrincipal: 2000 } },
      env: { ...env, UPSTREAM: 'the-key-of-the-upstream' },
      allowPlaintext: true,
      listener: 'http',
    })
    stops.push(() => gateway.remove())
    const token = await issuer.token({ client: 'order-bot' })
    return {
      direct,
      control: { ...direct, name: 'direct again' },
      nginx,
      sallyport: target('sallyport', gateway.port, [gateway.pid]),
      fields: name => [`Authorization: Bearer ${token}`, `Sallyport-Resource: ${name}`],
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
