// request, break-glass, review: rights for a time, asked for or taken.
import type { Command } from 'commander'
import {
  type AccessRequestView,
  type GrantView,
  type LiveEvent,
  paths,
  timeSchemas,
} from '#contract'
import type { GatewayClient } from './gateway-client.ts'
import { runs, WrongUsage, wholeNumber } from './invocation.ts'
import { plain, print, when } from './report.ts'
import { requestText } from './request-text.ts'

export function timeCommands(program: Command): void {
  const request = program
    .command('request <resource>')
    .description('ask for a right for a time')
    .requiredOption('--for <duration>', 'needed: e.g. 30m, 2h; 8h at most')
    .requiredOption('--reason <text>', 'needed: for whoever decides')
    .option('--actions <list>', 'comma-separated', 'connect,read')
    .option('--uses <n>', 'for so many sessions at most')
    .option('--wait', 'until it is decided')
  runs(request, async ({ client, output, signal }, resource) => {
    const options = request.opts<{
      for: string
      reason: string
      actions: string
      uses?: string
      wait?: boolean
    }>()
    const gateway = client()
    const asked = await gateway.post<AccessRequestView>(paths.requests, {
      resource,
      actions: actionsOf(options.actions),
      seconds: seconds(options.for),
      ...(options.uses === undefined ? {} : { uses: wholeNumber('--uses', options.uses, 1) }),
      reason: options.reason,
    })
    if (options.wait === true && !output.json)
      output.error(`${plain(asked.id)} waits for a person.`)
    const after = options.wait === true ? await decided(gateway, asked, signal) : asked
    print(output, after, requestText)
    if (after.state !== 'pending' && after.state !== 'approved') return 1
    return options.wait === true && after.state === 'pending' ? 1 : 0
  })

  const breakGlass = program
    .command('break-glass <resource>')
    .description('take a right at once, in an emergency; another person reviews it')
    .requiredOption('--reason <text>', 'needed: for whoever looks at it afterwards')
    .option('--for <duration>', '60m at most', '60m')
  runs(breakGlass, async ({ client, output }, resource) => {
    const options = breakGlass.opts<{ reason: string; for: string }>()
    const taken = await client().post<{ grant: GrantView; review: AccessRequestView }>(
      paths.breakGlass,
      {
        resource,
        seconds: seconds(options.for, timeSchemas.MOST_EMERGENCY_SECONDS),
        reason: options.reason,
      },
    )
    print(output, taken, ({ grant, review }) =>
      [
        `${plain(grant.id)}: ${plain(grant.actions.join(','))} on ${plain(grant.resource)} until ${when(grant.expiresAt)}`,
        `All that you do is recorded. Another person reviews it by ${when(review.expiresAt)}: ${plain(review.id)}.`,
      ].join('\n'),
    )
  })

  const review = program
    .command('review <id>')
    .description('say that you looked at what somebody did with the glass broken')
    .requiredOption('--note <text>', 'needed: what you found')
  runs(review, async ({ client, output }, id) => {
    const { note } = review.opts<{ note: string }>()
    const path = paths.review.replace(':id', encodeURIComponent(id ?? ''))
    print(output, await client().post<AccessRequestView>(path, { note }), requestText)
  })
}

/** `30m` in seconds. Throws WrongUsage. */
export function seconds(duration: string, most: number = timeSchemas.MOST_TIME_SECONDS): number {
  const match = /^(\d{1,6})(s|m|h)$/.exec(duration)
  const hours = most / 3600
  const atMost = `, ${hours > 1 ? `${hours}h` : `${most / 60}m`} at most`
  if (match === null) throw new WrongUsage(`--for takes a time such as 30m or 2h${atMost}.`)
  const given = Number(match[1]) * { s: 1, m: 60, h: 3600 }[match[2] as 's' | 'm' | 'h']
  if (given > most) throw new WrongUsage(`--for takes a time such as 30m${atMost}.`)
  return given
}

export function actionsOf(list: string): readonly string[] {
  return list.split(',').map(action => action.trim())
}

/** The request once it waits no longer, or as it is when the wait is given up. The gateway tells; nothing is polled. */
async function decided(
  gateway: GatewayClient,
  request: AccessRequestView,
  signal: AbortSignal,
): Promise<AccessRequestView> {
  const path = paths.request.replace(':id', encodeURIComponent(request.id))
  const left = new AbortController()
  const end = setTimeout(() => left.abort(), Math.max(request.expiresAt - Date.now(), 0))
  let after = request
  let looking = Promise.resolve()
  const look = (): void => {
    looking = looking.then(async () => {
      if (after.state !== 'pending') return
      after = await gateway.get<AccessRequestView>(path)
      if (after.state !== 'pending') left.abort()
    })
    // Whoever waits for it hears of it; until then nobody does.
    looking.catch(() => left.abort())
  }
  try {
    await gateway.events(paths.events, (_event, data) => concerns(data, request.id) && look(), {
      until: left.signal,
      // It may have been decided before anybody listened.
      onOpen: look,
    })
    await looking
  } finally {
    clearTimeout(end)
  }
  // What expires is said by the clock, and by nobody's act.
  return after.state === 'pending' && !signal.aborted ? gateway.get(path) : after
}

function concerns(data: unknown, id: string): boolean {
  if (typeof data !== 'object' || data === null || !('entries' in data)) return true
  return (data.entries as readonly LiveEvent[]).some(({ request }) => request === id)
}
