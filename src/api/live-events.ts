// Entries of the audit log as the live stream tells them: what is new, without texts and values.
import { type LiveEvent, schemas } from '#contract'
import type { JsonObject } from '#model'

const KINDS = /^(session|statement|request|grant|policies|resources|login|glass)\./

export function eventOf(record: JsonObject): LiveEvent | undefined {
  const { seq, ts, kind, session } = record
  if (typeof ts !== 'string') return undefined
  const [principal, target, action, decision, details] = [
    part(record['principal']),
    part(record['target']),
    part(record['action']),
    part(record['decision']),
    part(record['details']),
  ]
  const found = schemas.liveEvent.safeParse({
    seq,
    at: Date.parse(ts),
    kind,
    session,
    principal: principal['id'] ?? details['principal'],
    resource: target['resource'],
    request: details['request'],
    grant: details['grant'],
    to: details['to'],
    verbs: action['verbs'],
    objects: action['objects'],
    effect: decision['effect'],
    code: decision['code'],
    outcomes: kind === 'statement.completed' ? outcomesOf(record['result']) : undefined,
  })
  return found.success ? found.data : undefined
}

function outcomesOf(result: unknown): LiveEvent['outcomes'] {
  const { statements } = part(result)
  if (!Array.isArray(statements)) return undefined
  return statements.map(each => {
    const { entry, at, status, rows, masked } = part(each)
    return {
      entry: Number(entry),
      at: Number(at),
      status: String(status),
      rows: Number(rows),
      masked: masked !== undefined,
    }
  })
}

export function isShown(kind: unknown): boolean {
  return typeof kind === 'string' && KINDS.test(kind) && kind !== 'statement.prepared'
}

function part(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {}
}
