// sessions, session replay, session watch, session end.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import {
  paths,
  type RecordedEventView,
  type SessionView,
  schemas,
  type TypedCommandsView,
  type TypedInputView,
} from '#contract'
import type { GatewayClient } from './gateway-client.ts'
import { runs, WrongUsage, wholeNumber } from './invocation.ts'
import { jsonText, plain, print, table, when } from './report.ts'
import { commandsText, eventText, inputText } from './session-text.ts'

/** Nobody wants to sit through a coffee break. */
const LONGEST_PAUSE_MS = 2_000

interface SessionOptions {
  readonly live?: boolean
  readonly principal?: string
  readonly resource?: string
  readonly table?: string
  readonly class?: string
  readonly decision?: string
  readonly text?: string
  readonly since?: string
  readonly until?: string
  readonly before?: string
  readonly limit: string
}

interface ReplayOptions {
  readonly cast?: boolean
  readonly commands?: boolean
  readonly input?: boolean
  readonly from?: string
  readonly entry?: string
}

export function sessionCommands(program: Command): void {
  const sessions = program
    .command('sessions')
    .description('sessions, newest first: yours; all with console:read')
    .option('--live', 'only those that live')
    .option('--principal <id>', 'of this person or agent')
    .option('--resource <name>', 'on this resource')
    .option('--table <name>', 'in which a statement touched it')
    .option('--class <name>', 'in which values of this data class were masked')
    .option('--decision <decision>', 'in which a statement was decided so: permit, held, deny')
    .option('--text <part>', 'in which a statement has this in its text')
    .option('--since <time>', 'that lived since then: 90m, 12h, 7d, or an ISO time')
    .option('--until <time>', 'that began before then')
    .option('--before <id>', 'the next page: after the last session of this one')
    .option('--limit <n>', 'how many', '50')
  runs(sessions, async ({ client, output }) => {
    const options = sessions.opts<SessionOptions>()
    const { live, principal, resource, decision, text, before, limit, since, until } = options
    const asked = {
      live,
      principal,
      resource,
      table: options.table,
      class: options.class,
      decision,
      text,
      before,
      limit: wholeNumber('--limit', limit, 1),
      from: since === undefined ? undefined : timeOf('--since', since),
      until: until === undefined ? undefined : timeOf('--until', until),
    }
    const query = new URLSearchParams(
      Object.entries(asked).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, String(value)]],
      ),
    )
    print(output, await client().get<SessionView[]>(`${paths.sessions}?${query}`), found =>
      table(
        found.map(each => [
          each.id,
          each.resource,
          each.principal + (each.actor === undefined ? '' : ` via ${each.actor}`),
          when(each.startedAt),
          each.endedAt === undefined ? 'live' : (each.closeReason ?? 'ended'),
          String(each.statements),
          String(each.denied),
          String(each.rows),
        ]),
        ['id', 'resource', 'principal', 'started', 'state', 'statements', 'denied', 'rows'],
        'No sessions.',
      ),
    )
  })

  const session = program
    .command('session')
    .description('one session: replay, watch, end or erase it')

  const replay = session
    .command('replay <id>')
    .description('shows what was asked and seen, as it happened')
    .option('--speed <n>', 'times as fast; 0: all at once', '0')
    .option('--cast', 'what a terminal of it showed, as asciicast v3')
    .option('--commands', 'what was typed at its prompts, as read from the screen; not evidence')
    .option(
      '--from <seconds>',
      'with --cast: begins with what was shown so long after the session began',
    )
    .option(
      '--input',
      'what was typed and shown back, where it is kept: needs console:audit; with --cast beside what was shown',
    )
    .option(
      '--entry <n>',
      'with --cast or --commands: of the statement with this audit entry; else the first',
    )
  runs(replay, async ({ client, output, pass, signal }, id) => {
    const { cast, commands, input, from, entry } = replay.opts<ReplayOptions>()
    const asked = new URLSearchParams()
    if (entry !== undefined) asked.set('entry', String(wholeNumber('--entry', entry)))
    if (cast === true) {
      if (input === true) asked.set('input', 'true')
      if (from !== undefined) asked.set('from', String(secondsOf('--from', from)))
      return client().pieces(`${path('cast', id)}${queryOf(asked)}`, pass)
    }
    if (from !== undefined) throw new WrongUsage('--from goes with --cast.')
    if (commands === true) {
      const { startedAt } = await client().get<SessionView>(path('session', id))
      const found = await client().get<TypedCommandsView>(
        `${path('typedCommands', id)}${queryOf(asked)}`,
      )
      return print(output, found, view => commandsText(view, startedAt))
    }
    if (entry !== undefined) throw new WrongUsage('--entry goes with --cast or --commands.')
    if (input === true) {
      const { startedAt } = await client().get<SessionView>(path('session', id))
      const pieces = await wholeInput(client(), path('input', id))
      return print(output, pieces, all => inputText(all, startedAt))
    }
    const events = await wholeRecording(client(), path('recording', id))
    if (output.json) return output.write(jsonText(events, 2))
    const speed = Number(replay.opts<{ speed: string }>().speed)
    if (!Number.isFinite(speed) || speed < 0)
      throw new WrongUsage('--speed takes a number: 1 as it happened, 0 all at once.')
    const startedAt = events[0]?.at ?? 0
    let before = startedAt
    for (const event of events) {
      if (signal.aborted) return
      if (speed > 0)
        await sleep(Math.min((event.at - before) / speed, LONGEST_PAUSE_MS), undefined, {
          signal,
        }).catch(() => {})
      before = event.at
      const text = eventText(event, startedAt)
      if (text !== '') output.write(text)
    }
  })

  runs(
    session.command('watch <id>').description('shows a live session'),
    async ({ client, output }, id) => {
      const gateway = client()
      const { startedAt } = await gateway.get<SessionView>(path('session', id))
      await gateway.events(path('watch', id), (_event, data) => {
        if (output.json) {
          output.write(jsonText(data))
          return
        }
        const event = schemas.recordedEvent.safeParse(data)
        const text = event.success ? eventText(event.data, startedAt) : ''
        if (text !== '') output.write(text)
      })
    },
  )

  runs(
    session.command('end <id>').description('ends a live session'),
    async ({ client, output }, id) => {
      print(
        output,
        await client().post<SessionView>(path('endSession', id)),
        ended => `${plain(ended.id)} has ended.`,
      )
    },
  )

  runs(
    session
      .command('erase <id>')
      .description(
        'destroys the recording of an ended session, for good: needs console:administer',
      ),
    async ({ client, output }, id) => {
      await client().delete(path('recording', id))
      print(output, { id, erased: true }, ({ id: gone }) => `${plain(gone ?? '')} was erased.`)
    },
  )
}

/** A long recording comes in parts. */
async function wholeRecording(
  gateway: GatewayClient,
  address: string,
): Promise<RecordedEventView[]> {
  const events: RecordedEventView[] = []
  for (let from = 0; ; ) {
    const part = await gateway.get<RecordedEventView[]>(`${address}?from=${from}`)
    const last = part.at(-1)
    if (last?.kind !== 'cut') return [...events, ...part]
    events.push(...part.slice(0, -1))
    from = Number(last['next'])
  }
}

async function wholeInput(
  gateway: GatewayClient,
  address: string,
): Promise<TypedInputView['pieces']> {
  const pieces: TypedInputView['pieces'][number][] = []
  for (let from: number | undefined = 0; from !== undefined; ) {
    const part: TypedInputView = await gateway.get(`${address}?from=${from}`)
    pieces.push(...part.pieces)
    from = part.next
  }
  return pieces
}

function path(
  name: 'session' | 'recording' | 'cast' | 'typedCommands' | 'input' | 'watch' | 'endSession',
  id: string | undefined,
): string {
  if (id === undefined) throw new WrongUsage('Which session? See: sallyport sessions.')
  return paths[name].replace(':id', encodeURIComponent(id))
}

function queryOf(asked: URLSearchParams): string {
  return asked.size === 0 ? '' : `?${asked}`
}

function secondsOf(option: string, given: string): number {
  if (!/^\d{1,9}(?:\.\d{1,3})?$/.test(given))
    throw new WrongUsage(`${option} takes seconds: 90, or 12.5.`)
  return Number(given)
}

const UNITS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Unix ms of a time, or of so long ago. */
function timeOf(option: string, given: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhd])$/.exec(given) ?? []
  const at =
    number === undefined ? Date.parse(given) : Date.now() - Number(number) * (UNITS[unit] ?? 0)
  if (Number.isNaN(at))
    throw new WrongUsage(
      `${option} takes how long ago (90m, 12h, 7d) or a time (2026-11-21T09:00).`,
    )
  return Math.max(0, at)
}
