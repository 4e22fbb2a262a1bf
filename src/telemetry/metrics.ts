// What is counted, for Prometheus. Labels are resources and small sets of words: never principals, never texts.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly contentType: string
  /** The exposition. */
  text(): Promise<string>
  sessionOpened(resource: string): void
  sessionClosed(resource: string, reason: string): void
  /** A statement was decided. */
  decided(resource: string, decision: 'permit' | 'deny' | 'held'): void
  login(outcome: 'succeeded' | 'failed', code: string): void
  /** How long a statement was held for a person. */
  held(outcome: 'approved' | 'denied' | 'expired' | 'cancelled', seconds: number): void
  auditAppended(seconds: number): void
  auditDurable(seconds: number): void
  connectionRefused(listener: string): void
  /** A value was redacted whole because a plugin did not say. */
  pluginFailed(plugin: string, why: string): void
}

const FAST = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1]
const PATIENT = [1, 5, 10, 20, 45, 90, 120, 300, 900, 3_600]

/** A registry of its own: two gateways in one process (tests) do not meet. */
export function createMetrics(options: { process?: boolean } = {}): Metrics {
  const registers = [new Registry()]
  const registry = registers[0] as Registry
  if (options.process ?? true) collectDefaultMetrics({ register: registry, prefix: 'sallyport_' })

  const live = tally()
  new Gauge({
    name: 'sallyport_sessions',
    help: 'Sessions that are open',
    labelNames: ['resource'],
    registers,
    collect() {
      for (const [resource, count] of live.counts) this.set({ resource }, count)
    },
  })
  const closed = counter('sallyport_sessions_closed_total', 'Sessions that ended', [
    'resource',
    'reason',
  ])
  const statements = counter('sallyport_statements_total', 'Statements, by decision', [
    'resource',
    'decision',
  ])
  const logins = counter('sallyport_logins_total', 'Attempts to log in', ['outcome', 'code'])
  const refused = counter('sallyport_connections_refused_total', 'Connections over a bound', [
    'listener',
  ])
  const silent = counter(
    'sallyport_plugin_failures_total',
    'Values redacted for want of a plugin’s answer',
    ['plugin', 'why'],
  )
  const holds = new Histogram({
    name: 'sallyport_hold_seconds',
    help: 'How long statements were held for a person',
    labelNames: ['outcome'],
    buckets: PATIENT,
    registers,
  })
  const appends = new Histogram({
    name: 'sallyport_audit_append_seconds',
    help: 'Until an audit entry has left the process',
    buckets: FAST,
    registers,
  })
  const durable = new Histogram({
    name: 'sallyport_audit_durable_seconds',
    help: 'Until an audit entry is on the disk',
    buckets: FAST,
    registers,
  })

  /** Counts in a plain map, which costs the data path next to nothing, and hands over when asked. */
  function counter(name: string, help: string, labelNames: readonly string[]) {
    const counted = tally()
    new Counter({
      name,
      help,
      labelNames: [...labelNames],
      registers,
      collect() {
        this.reset()
        for (const [key, count] of counted.counts) {
          const values = key.split('\n')
          this.inc(
            Object.fromEntries(labelNames.map((label, i) => [label, values[i] ?? ''])),
            count,
          )
        }
      },
    })
    return counted
  }

  let latest = { resource: '', decision: '', key: '\n' }
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    sessionOpened: resource => live.add(resource, 1),
    sessionClosed(resource, reason) {
      live.add(resource, -1)
      closed.add(`${resource}\n${reason}`, 1)
    },
    decided(resource, decision) {
      // Mostly the same as before: making the key costs more than counting.
      if (resource !== latest.resource || decision !== latest.decision)
        latest = { resource, decision, key: `${resource}\n${decision}` }
      statements.add(latest.key, 1)
    },
    login: (outcome, code) => logins.add(`${outcome}\n${code}`, 1),
    held: (outcome, seconds) => holds.observe({ outcome }, seconds),
    auditAppended: seconds => appends.observe(seconds),
    auditDurable: seconds => durable.observe(seconds),
    connectionRefused: listener => refused.add(listener, 1),
    pluginFailed: (plugin, why) => silent.add(`${plugin}\n${why}`, 1),
  }
}

interface Tally {
  readonly counts: ReadonlyMap<string, number>
  add(key: string, by: number): void
}

function tally(): Tally {
  const counts = new Map<string, number>()
  return {
    counts,
    add(key, by) {
      counts.set(key, (counts.get(key) ?? 0) + by)
    },
  }
}
