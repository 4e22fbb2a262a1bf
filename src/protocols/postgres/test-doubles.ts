// Doubles for tests of the handshakes: a gateway that knows one token and one credential, and a session that
// dials for real and permits everything. Not for production code; nothing of it decides, records or masks.
import { pbkdf2Sync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Gateway, Permit, Session } from '#gateway'
import {
  AuthenticationFailed,
  type Principal,
  type ReasonCode,
  Secret,
  type SessionId,
} from '#model'
import { dialTcp, type IssuedCertificate, openServerAuthority, tlsIdentity } from '#transport'
import { keysOf, sha256 } from './scram.ts'
import { type PostgresSettings, postgresSettings } from './settings.ts'

export const TOKEN = 'header.payload.signature'
export const CREDENTIAL = 'sp-0123456789'
export const CREDENTIAL_SECRET = 'abcdefghijklmnopqrstuvwxyz234567'

export const alice: Principal = {
  kind: 'user',
  id: 'test:alice',
  subject: 'alice',
  issuer: 'https://issuer.test',
  name: 'Alice',
  groups: [],
  attributes: {},
  actors: [],
  owners: [],
  mfa: false,
  credential: { kind: 'token', id: 'jti' },
  run: 'run',
  expiresAt: Number.MAX_SAFE_INTEGER,
}

export interface FakeGateway extends Gateway {
  readonly failures: ReasonCode[]
  readonly ca: string
  /** Certificates of the same CA, for upstreams. */
  issue(names: readonly string[]): Promise<IssuedCertificate>
  close(): void
}

export async function fakeGateway(limits: Partial<Gateway['limits']> = {}): Promise<FakeGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-handshake-'))
  const authority = await openServerAuthority({ folder, now: Date.now })
  const identity = await tlsIdentity({ kind: 'own', authority, names: [], now: Date.now })
  const salt = Buffer.from('salt of a test')
  const keys = keysOf(pbkdf2Sync(CREDENTIAL_SECRET, salt, 4096, 32, 'sha256'))
  const failures: ReasonCode[] = []
  return {
    failures,
    ca: authority.certificate,
    issue: names => authority.issueServer(names),
    limits: {
      messageBytes: 1_000_000,
      heldBodyBytes: 1 << 28,
      bodyBytesPerSecond: 0,
      loginMs: 3_000,
      upstreamLoginMs: 5_000,
      ...limits,
    },
    hostKey() {
      throw new Error('this wire has certificates')
    },
    authorities() {
      throw new Error('this wire has certificates')
    },
    names: () => [],
    asksPeople: () => false,
    askPerson: () => undefined,
    tls: () => ({ context: identity.context(), certificate: identity.certificateDer() }),
    async authenticateCertificate() {
      throw new AuthenticationFailed('credential_invalid', 'there are no authorities')
    },
    async authenticate(token) {
      if (token.reveal() === TOKEN) return alice
      failures.push('token_invalid')
      throw new AuthenticationFailed('token_invalid', 'the token is not valid')
    },
    isCredentialId: name => name.startsWith('sp-'),
    ephemeral: id => ({
      verifier: {
        salt,
        iterations: 4096,
        storedKey: sha256(keys.clientKey),
        serverKey: keys.serverKey,
      },
      matches: async () => false,
      async accept() {
        if (id === CREDENTIAL) return alice
        failures.push('credential_invalid')
        throw new AuthenticationFailed(
          'credential_invalid',
          'the credential or its secret is wrong',
        )
      },
      reject: () => void failures.push('credential_invalid'),
    }),
    loginFailed: (_, code) => void failures.push(code),
    resources: () => [],
    upstreamFailed() {},
    open: () => Promise.reject(new Error('this double opens no sessions')),
    close() {
      identity.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** A session whose upstream is real; whatever is asked is permitted and nothing is masked. */
export function fakeSession(
  upstream: Partial<PostgresSettings> & { readonly host: string; readonly port: number },
  credential: { readonly user: string; readonly secrets: Readonly<Record<string, string>> },
): Session<PostgresSettings> {
  const ending = new AbortController()
  return {
    id: '0198c0de-0000-7000-8000-000000000001' as SessionId,
    principal: alice,
    resource: {
      name: 'shop',
      protocol: 'postgres',
      tags: {},
      upstream: postgresSettings.parse({ database: 'app', tls: 'disable', ...upstream }),
      credential: { user: credential.user, secrets: {} },
      connector: 'none',
      recording: { keep: 'statements', answerBytes: 0, input: false },
      masking: { predicates: { user: 'allow', agent: 'allow' }, valuesPerHour: 20 },
    },
    origin: { ip: '127.0.0.1', port: 1, client: '' },
    dataClasses: [],
    entireMasker: () => undefined,
    signal: ending.signal,
    dial: (host, port) => dialTcp(host, port, { timeoutMs: 2_000, signal: ending.signal }),
    credential: async () => ({
      user: credential.user,
      secrets: Object.fromEntries(
        Object.entries(credential.secrets).map(([name, value]) => [name, new Secret(value)]),
      ),
      release() {},
    }),
    // The relay reads these members only; a Permit cannot be built outside its room.
    authorize: statement =>
      ({
        statement,
        auditIndex: 0,
        maxRows: undefined,
        limit: {},
        results: (columns: readonly unknown[]) => columns.map(() => ({ kind: 'pass' })),
        scrub: (text: string) => text,
        stored: () => () => undefined,
      }) as unknown as Permit,
    renew: permit => permit,
    onRules: () => () => {},
    refused() {},
    complete() {},
    recordAnswer() {},
    recordOutput: () => undefined,
    recordInput() {},
    recordSize() {},
    catchUp() {},
    departs: depart => ({ waits: false, clear() {}, leave: depart }),
    justify() {},
    close: async reason => ending.abort(reason),
  }
}
