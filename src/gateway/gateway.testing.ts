// A gateway on real engines, a real log and a store in memory, for the tests of this room.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createMasking } from '#engines/masking'
import { checkPolicies, type PolicySet } from '#engines/policy'
import {
  type AuditEntry,
  type DataClass,
  type JsonObject,
  type Operation,
  type Principal,
  type Resource,
  type Statement,
  Unavailable,
} from '#model'
import { type AccessTables, accessMigrations, Grants, Requests } from '#services/access'
import { type AuditLog, openAuditLog } from '#services/audit'
import { openDatabase } from '#services/db'
import type { Identity, IdentityEnd } from '#services/identity'
import { createInventory } from '#services/inventory'
import { Recordings, type RecordingTables, recordingMigrations } from '#services/recording'
import { createMetrics, silentLog } from '#telemetry'
import type { Protocol } from './protocol.ts'
import { SallyportGateway } from './sallyport-gateway.ts'
import type { Session, Waiting } from './session.ts'

export const origin = { ip: '127.0.0.1', port: 4711, client: 'test' }

export const classes: readonly DataClass[] = [
  { name: 'email', columns: ['*.email'], detect: 'email', mask: 'partial' },
  { name: 'ssn', columns: ['public.customers.ssn'], detect: 'us-ssn', mask: 'redact' },
]

export const shop: Resource = {
  name: 'shop',
  protocol: 'test',
  tags: { env: 'production' },
  upstream: { host: 'db.internal' },
  credential: { secrets: {} },
  connector: 'none',
  recording: { keep: 'answers', answerBytes: 1000 },
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
  return { text, operations, functions: [], phase: 'execute', mayDeriveFrom: [], ...more }
}

export const read = (text = 'select 1 from customers'): Statement =>
  statement(text, [operation('read', 'SELECT')])
export const write = (text = 'delete from customers'): Statement =>
  statement(text, [operation('write', 'DELETE', 'public.customers', ['unfiltered'])])

export const nobodyWaits: Waiting = { notify: () => {}, signal: new AbortController().signal }

/** A protocol in name only: the gateway never asks it anything else. */
const protocol = { name: 'test' } as Protocol

export interface TestGateway {
  readonly gateway: SallyportGateway
  readonly requests: Requests
  readonly grants: Grants
  readonly audit: AuditLog & { failing: boolean }
  readonly hold: { user: number; agent: number; transaction: number }
  clock: { now: number }
  open(who: Principal, resource?: string): Promise<Session>
  usePolicies(text: string): void
  endIdentity(end: IdentityEnd): void
  entries(): Promise<readonly JsonObject[]>
  close(): Promise<void>
}

export async function testGateway(policies: string): Promise<TestGateway> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-gateway-'))
  const clock = { now: Date.now() }
  const now = () => clock.now
  const log = await openAuditLog({
    folder: join(folder, 'audit'),
    origin: 'test/audit',
    now,
    checkpointMs: 0,
  })
  const audit = Object.assign(Object.create(log) as AuditLog, {
    failing: false,
    append(entry: AuditEntry): number {
      if (audit.failing) throw unavailable()
      return log.append(entry)
    },
    durable: (index: number) => log.durable(index),
  }) as AuditLog & { failing: boolean }
  const store = await openDatabase(':memory:', [accessMigrations, recordingMigrations])
  const grants = new Grants(store.tables<AccessTables>(), now)
  const requests = new Requests(store.tables<AccessTables>(), now)
  const recordings = new Recordings({
    folder: join(folder, 'recordings'),
    kysely: store.tables<RecordingTables>(),
    now,
    onChunk: () => {},
  })
  let set = compile(policies)
  let ended: (end: IdentityEnd) => void = () => {}
  const hold = { user: 200, agent: 200, transaction: 100 }
  const masking = { classes, tokenKey: Buffer.alloc(32) }
  const gateway: SallyportGateway = new SallyportGateway({
    now,
    audit,
    recordings,
    requests,
    grants,
    identity: {
      onEnded: (listener: (end: IdentityEnd) => void) => {
        ended = listener
        return () => {}
      },
    } as Identity,
    vault: { resolve: refuse, lease: refuse },
    inventory: createInventory([shop]),
    policies: () => set,
    masks: () => ({
      classes,
      masking: createMasking(masking),
      redaction: createMasking({
        ...masking,
        classes: classes.map(each => ({ ...each, mask: 'redact' as const })),
      }),
    }),
    settings: () => ({
      messageBytes: 1 << 20,
      loginMs: 1000,
      upstreamLoginMs: 1000,
      sessions: 10,
      sessionsPerPrincipal: 5,
      strict: false,
    }),
    hold: () => hold,
    tls: refuse,
    dial: refuse,
    log: silentLog,
    metrics: createMetrics({ process: false }),
  })
  return {
    gateway,
    requests,
    grants,
    audit,
    hold,
    clock,
    open: (who, resource = 'shop') => gateway.open(who, protocol, resource, origin),
    usePolicies: text => {
      set = compile(text)
      gateway.reviewSessions('policy_changed')
    },
    endIdentity: end => ended(end),
    entries: () => log.read(0, log.size),
    close: async () => {
      audit.failing = false
      await gateway.stop()
      await recordings.close()
      await log.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
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
