// Reads a JSON list of requests or sessions, and prints the id that the demo's next line is about: the
// newest request that waits, or the newest session of an agent in which something was asked.
import { readFileSync } from 'node:fs'

interface Listed {
  readonly id: string
  readonly state?: string
  readonly createdAt?: number | string
  readonly startedAt?: number | string
  readonly principal?: unknown
  readonly statements?: number
}

const list = JSON.parse(readFileSync(0, 'utf8')) as readonly Listed[]
const when = (one: Listed) => new Date(one.createdAt ?? one.startedAt ?? 0).getTime()
const fits = (one: Listed) =>
  one.state === undefined
    ? JSON.stringify(one.principal ?? '').includes('order-bot') && one.statements !== 0
    : one.state === 'pending'
const newest = list.filter(fits).sort((a, b) => when(b) - when(a))[0]
if (newest) process.stdout.write(newest.id)
else {
  process.stderr.write('Nothing waits here, and no agent was here yet.\n')
  process.exitCode = 1
}
