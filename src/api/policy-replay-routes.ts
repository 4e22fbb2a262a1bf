// Past sessions against proposed policies: what would have been denied, held, masked, allowed. Runs nothing. It reads the
// recordings of others, so it needs console:audit, and each recording is put on record before it is read.
import { setImmediate as turn } from 'node:timers/promises'
import { paths, policySchemas } from '#contract'
import { principalEntry, replayAsker } from '#gateway'
import { InvalidRequest, isGatewayError, type Resource, type SessionSummary } from '#model'
import { proposed, type ReplayCase, type Verdict } from '#services/policies'
import type { Routes } from './api.ts'
import type { ApiParts, Caller } from './parts.ts'
import { need } from './rights.ts'

/** Different statements, and characters of recordings, that are looked at. */
const MOST_STATEMENTS = 2_000
const MOST_CHARACTERS = 16 * 1024 * 1024
const MOST_SHOWN = 500
const MOST_TEXT = 4_000
/** Reading a text takes a fraction of a millisecond: others get their turn in between. */
const AT_A_TIME = 20

export function policyReplayRoutes(routes: Routes, parts: ApiParts): void {
  routes.post(
    paths.policyReplay,
    {
      config: { access: 'principal' },
      schema: {
        summary:
          'What changed policies would have made of past sessions. Changes nothing. Needs console:audit; each recording that is read is on record',
        body: policySchemas.policyReplay,
        response: { 200: policySchemas.policyReplayed },
      },
    },
    async request => {
      const caller = request.caller!
      need(parts, caller, 'console:audit')
      const { changes, sessions: limit, resource } = request.body
      const { files, inForce } = await parts.policyFiles.look()
      if (!inForce)
        throw new InvalidRequest(
          'request_conflict',
          'The files on the disk are not what is in force: there is nothing to compare with.',
        )
      const after = proposed(files, changes)
      const vocabulary = parts.vocabulary()
      const { problems, policySet } = await parts.workbench.ask({ files: after, vocabulary })
      if (policySet === undefined) return { problems: [...problems] }
      const past = new Past(parts)
      const sessions = await parts.recordings.list({ limit, ...(resource && { resource }) })
      for (const session of sessions) await past.add(caller, session)
      const found = past.found()
      const answer = await parts.workbench.ask({
        files: after,
        vocabulary,
        replay: {
          before: files,
          cases: found.map(({ case: one }) => one),
          classes: parts.masks().classes,
        },
      })
      const differs = (answer.replay ?? []).flatMap((each, at) => {
        const one = found[at]
        if (each === undefined || one === undefined) return []
        const { text, count, at: last, session } = one
        return [
          {
            resource: one.case.resource.name,
            principal: one.case.principal.id,
            text: text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT)} …` : text,
            count,
            at: last,
            session,
            before: plain(each.before),
            after: plain(each.after),
          },
        ]
      })
      return {
        problems: [...problems],
        replay: {
          sessions: sessions.length,
          statements: past.statements,
          skipped: past.skipped,
          unread: past.unread,
          cut: past.cut || differs.length > MOST_SHOWN,
          differs: differs.slice(0, MOST_SHOWN),
        },
      }
    },
  )
}

function plain({ policies, masked, ...rest }: Verdict) {
  return { ...rest, policies: [...policies], masked: [...masked] }
}

interface Found {
  readonly case: ReplayCase
  readonly text: string
  count: number
  at: number
  session: string
}

/** What was asked in past sessions: each text of one principal on one resource once. */
class Past {
  statements = 0
  skipped = 0
  unread = 0
  cut = false
  readonly #parts: ApiParts
  readonly #found = new Map<string, Found | undefined>()
  /** One object for one asker: policies are narrowed once for each. */
  readonly #askers = new Map<string, ReplayCase['principal']>()
  #characters = 0

  constructor(parts: ApiParts) {
    this.#parts = parts
  }

  found(): readonly Found[] {
    return [...this.#found.values()].filter(each => each !== undefined)
  }

  async add(caller: Caller, session: SessionSummary): Promise<void> {
    const resource = this.#parts.inventory.get(session.resource)
    if (resource === undefined) {
      this.skipped += 1
      return
    }
    if (this.#characters > MOST_CHARACTERS) {
      this.cut = true
      return
    }
    await this.#onRecord(caller, session.id)
    try {
      await this.#read(session.id, resource)
    } catch (error) {
      // Erased, or not readable any more: counted, and the others are looked at.
      if (!isGatewayError(error)) throw error
      this.skipped += 1
    }
  }

  async #read(id: string, resource: Resource): Promise<void> {
    let asker: ReturnType<typeof replayAsker>
    let from: number | undefined = 0
    while (from !== undefined) {
      const events = await this.#parts.recordings.read(id, { from })
      from = undefined
      for (const event of events) {
        if (event.kind === 'opened') asker = replayAsker(event.header)
        if (event.kind === 'cut') from = event.next
        if (event.kind !== 'statement') continue
        if (asker === undefined) {
          this.skipped += 1
          return
        }
        this.#characters += event.text.length
        await this.#statement(event, asker, resource, id)
      }
      if (this.#characters > MOST_CHARACTERS) {
        this.cut ||= from !== undefined
        return
      }
    }
  }

  async #statement(
    { text, at }: { text: string; at: number },
    asker: NonNullable<ReturnType<typeof replayAsker>>,
    resource: Resource,
    session: string,
  ): Promise<void> {
    const who = JSON.stringify([{ ...asker.principal, run: '' }, asker.facts(0)])
    const key = JSON.stringify([who, resource.name, text])
    this.statements += 1
    const known = this.#found.get(key)
    if (known !== undefined) {
      known.count += 1
      if (at > known.at) Object.assign(known, { at, session })
      return
    }
    if (this.#found.has(key)) {
      this.unread += 1
      return
    }
    if (this.#found.size >= MOST_STATEMENTS) {
      this.cut = true
      return
    }
    if (this.#found.size % AT_A_TIME === 0) await turn()
    const principal = this.#askers.get(who) ?? asker.principal
    this.#askers.set(who, principal)
    const statement = await this.#readable(text, resource)
    if (statement === undefined) this.unread += 1
    const grants = this.#parts.gateway.rights.grantsOf(principal, resource.name)
    const { name, tags, masking } = resource
    this.#found.set(
      key,
      statement && {
        case: {
          principal,
          resource: { name, tags, masking },
          grants,
          statement,
          facts: asker.facts(at),
        },
        text,
        count: 1,
        at,
        session,
      },
    )
  }

  /** By what is known of the catalog today: the session's own state is not followed. */
  async #readable(text: string, resource: Resource) {
    const protocol = this.#parts.protocols.find(({ name }) => name === resource.protocol)
    try {
      const read = (await protocol?.readAt(text, resource)) ?? (await protocol?.read(text))
      if (read === undefined) return undefined
      const { compared: _, ...statement } = read
      return statement
    } catch (error) {
      // It could not be read when it was asked, either: refused then, and refused now.
      if (!isGatewayError(error)) throw error
      return undefined
    }
  }

  async #onRecord({ principal }: Caller, session: string): Promise<void> {
    await this.#parts.audit.durable(
      this.#parts.audit.append({
        kind: 'recording.read',
        session,
        principal: principalEntry(principal),
        details: { for: 'policy replay' },
      }),
    )
  }
}
