// A gateway on real engines, a real log and a store in memory, for the tests of this room.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMarks, createMasking } from '#engines/masking'
import { checkPolicies, type PolicySet } from '#engines/policy'
import {
  type AuditEntry,
  AuthenticationFailed,
  type DataClass,
  type JsonObject,
  type Operation,
  type Principal,
  type Resource,
  type Statement,
  Unavailable,
} from '#model'
import { type AccessTables, accessMigrations, Grants, Requests } from '#services/access'
import { type AuditLog, nodeFiles, openAuditLog } from '#services/audit'
import { type Database, openDatabase } from '#services/db'
import {
  createIdentity,
  type Identity,
  type IdentityEnd,
  identityMigrations,
} from '#services/identity'
import { createInventory, type Inventory } from '#services/inventory'
import { Recordings, type RecordingTables, recordingMigrations } from '#services/recording'
import { createMetrics, silentLog } from '#telemetry'
import type { GatewayKeys } from '#transport'
import type { OpeningSession, Protocol, Session, Waiting } from './protocol/index.ts'
import { SallyportGateway } from './sallyport-gateway.ts'
import type { Masks } from './sight/index.ts'

export const origin = { ip: '127.0.0.1', port: 4711, client: 'test' }

export const classes: readonly DataClass[] = [
  { name: 'email', columns: ['*.email'], detect: 'email', mask: 'partial' },
  {
    name: 'ssn',
    columns: ['public.customers.ssn'],
    keys: ['ssn'],
    pointers: ['/items/*/spec/tax'],
    detect: 'us-ssn',
    mask: 'redact',
  },
]

export const shop: Resource = {
  name: 'shop',
  protocol: 'test',
  tags: { env: 'production' },
  upstream: { host: 'db.internal' },
  credential: { secrets: {} },
  connector: 'none',
  recording: { keep: 'answers', answerBytes: 1000, input: false },
  masking: { predicates: { user: 'equality', agent: 'deny' }, valuesPerHour: 3 },
}

export function principal(
  id: string,
  groups: readonly string[],
  more: Partial<Principal> = {},
): Principal {
  return {
    kind: 'user',
    id,
    subject: id,
    issuer: 'https://idp',
    name: id,
    groups,
    attributes: {},
    actors: [],
    owners: [],
    mfa: false,
    credential: { kind: 'token', id: `token-of-${id}` },
    run: `run-of-${id}`,
    expiresAt: Date.now() + 3_600_000,
    ...more,
  }
}

export function operation(
  action: Operation['action'],
  verb: string,
  name = 'public.customers',
  flags: Operation['flags'] = [],
): Operation {
  return {
    action,
    verb,
    object: { name, kind: name === '' ? 'resource' : 'table' },
    columns: [],
    flags,
  }
}

export function statement(
  text: string,
  operations: readonly Operation[],
  more: Partial<Statement> = {},
): Statement {
  const told = { mayDeriveFrom: [], lineage: [] }
  return { text, operations, functions: [], phase: 'execute', ...told, ...more }
}

export const read = (text = 'select 1 from customers'): Statement =>
  statement(text, [operation('read', 'SELECT')])
export const write = (text = 'delete from customers'): Statement =>
  statement(text, [operation('write', 'DELETE', 'public.customers', ['unfiltered'])])

/** What the work throws or rejects with; undefined when it does neither. */
export const caught = (work: () => unknown) =>
  Promise.resolve()
    .then(work)
    .then(
      () => undefined,
      error => error,
    )

export const nobodyWaits: Waiting = { notify: () => {}, signal: new AbortController().signal }

/** A protocol in name only: the gateway never asks it anything else. */
const protocol = { name: 'test' } as Protocol

export interface TestGateway {
  readonly gateway: SallyportGateway
  readonly requests: Requests
  readonly grants: Grants
  readonly audit: AuditLog & { failing: boolean }
  /** The log's. */
  readonly disk: { full: boolean }
  readonly hold: { user: number; agent: number; transaction: number }
  clock: { now: number }
  readonly recordings: Recordings
  readonly store: Database
  readonly inventory: Inventory
  readonly identity: Identity
  policies(): PolicySet
  masks(): Masks
  /** A token that proves to be this principal. */
  signIn(who: Principal): string
  /** Data classes from now on. */
  useClasses(classes: readonly DataClass[]): void
  open(
    who: Principal,
    resource?: string,
    begin?: (session: OpeningSession) => void,
  ): Promise<Session>
  usePolicies(text: string): void
  endIdentity(end: IdentityEnd): void
  entries(): Promise<readonly JsonObject[]>
  close(): Promise<void>
}

export async function testGateway(policies: string, storePath = ':memory:'): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-gateway-'))
  const clock = { now: Date.now() }
  const now = () => clock.now
  const disk = { full: false }
  const log = await openAuditLog({
    folder: join(folder, 'audit'),
    origin: 'test/audit',
    now,
    checkpointMs: 0,
    files: {
      ...nodeFiles,
      write(...call) {
        if (disk.full) throw new Error('ENOSPC')
        return nodeFiles.write(...call)
      },
    },
  })
  const audit = Object.assign(Object.create(log) as AuditLog, {
    failing: false,
    append(entry: AuditEntry): number {
      if (audit.failing) throw unavailable()
      return log.append(entry)
    },
    enter(entry: AuditEntry): number {
      if (audit.failing) throw unavailable()
      return log.enter(entry)
    },
    flush: () => log.flush(),
    durable: (index: number) => log.durable(index),
    onAppend: (listener: Parameters<AuditLog['onAppend']>[0]) => log.onAppend(listener),
    read: (from: number, count: number) => log.read(from, count),
  }) as AuditLog & { failing: boolean }
  const store = await openDatabase(storePath, [
    identityMigrations,
    accessMigrations,
    recordingMigrations,
  ])
  const grants = new Grants(store.tables<AccessTables>(), now)
  const requests = new Requests(store.tables<AccessTables>(), now)
  const recordings = new Recordings({
    folder: join(folder, 'recordings'),
    kysely: store.tables<RecordingTables>(),
    now,
    onChunk: () => {},
  })
  for (const name of ['origin', 'vkey', 'size', 'published', 'failed', 'batch'] as const)
    Object.defineProperty(audit, name, { get: () => log[name] })
  audit.checkpoint = () => log.checkpoint()
  let set = compile(policies)
  const tokens = new Map<string, Principal>()
  const listeners = new Set<(end: IdentityEnd) => void>()
  const real = await createIdentity({ issuers: [], store, now })
  const identity: Identity = {
    ...real,
    verify: async token => {
      const found = tokens.get(token.reveal())
      if (found === undefined) throw new AuthenticationFailed('token_invalid', 'Not a token.')
      if (found.expiresAt <= now()) throw new AuthenticationFailed('token_expired', 'Over.')
      return found
    },
    onEnded: listener => {
      listeners.add(listener)
      const undo = real.onEnded(listener)
      return () => {
        listeners.delete(listener)
        undo()
      }
    },
  }
  const inventory = createInventory([shop])
  const hold = { user: 200, agent: 200, transaction: 100 }
  let masks = masksOf(classes)
  const gateway: SallyportGateway = new SallyportGateway({
    now,
    audit,
    recordings,
    requests,
    grants,
    identity,
    vault: { resolve: refuse, lease: refuse },
    inventory,
    policies: () => set,
    masks: () => masks,
    settings: () => ({
      messageBytes: 1 << 20,
      heldBodyBytes: 1 << 28,
      bodyBytesPerSecond: 0,
      loginMs: 1000,
      upstreamLoginMs: 1000,
      sessions: 20,
      sessionsPerPrincipal: 5,
      strict: false,
    }),
    hold: () => hold,
    tls: refuse,
    keys: testKeys(),
    names: () => ['localhost'],
    devicePage: () => undefined,
    dial: refuse,
    log: silentLog,
    metrics: createMetrics({ process: false }),
  })
  return {
    gateway,
    requests,
    grants,
    audit,
    disk,
    hold,
    clock,
    open: (who, resource = 'shop', begin) => gateway.open(who, protocol, resource, origin, begin),
    usePolicies: text => {
      set = compile(text)
      gateway.reviewSessions('policy_changed')
    },
    recordings,
    store,
    inventory,
    identity,
    policies: () => set,
    masks: () => masks,
    signIn: who => {
      const token = `token-${tokens.size}-of-${who.id}`
      tokens.set(token, who)
      return token
    },
    useClasses: changed => {
      masks = masksOf(changed)
      gateway.reviewSessions('resource_changed')
    },
    endIdentity: end => {
      for (const listener of listeners) listener(end)
    },
    entries: () => log.read(0, log.size),
    close: async () => {
      audit.failing = false
      disk.full = false
      await gateway.stop()
      await recordings.close()
      await log.close()
      await real.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function masksOf(of: readonly DataClass[]): Masks {
  const tokenKey = Buffer.alloc(32)
  return {
    classes: of,
    masking: createMasking({ classes: of, tokenKey }),
    marks: createMarks(of),
    redaction: createMasking({
      tokenKey,
      classes: of.map(each => ({ ...each, mask: 'redact' as const })),
    }),
  }
}

function compile(text: string): PolicySet {
  const { set, problems } = checkPolicies([{ name: 'test.cedar', text }])
  if (set === undefined) throw new Error(problems.map(({ message }) => message).join('\n'))
  return set
}

function refuse(): never {
  throw new Error('not in this test')
}

function unavailable(): Error {
  return new Unavailable('audit_unavailable', 'The log cannot be written.')
}

function testKeys(): GatewayKeys {
  const key = () => generateKeyPairSync('ed25519').privateKey
  return { host: key(), authorities: { clients: key(), upstreams: key(), gateways: key() } }
}
