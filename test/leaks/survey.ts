// Asks queries of the server itself and through the gateway, each in one mode or in all of them, and judges.
import type { PostgresVersion } from '../servers/postgres.ts'
import { judge, type Verdict } from './judge.ts'
import { ask, modes } from './modes.ts'
import { watchFor } from './schema.ts'
import type { Query } from './shapes.ts'
import type { Ground, Who } from './stage.ts'

const SESSIONS = 4

export interface SurveyOptions {
  /** Each query in each mode, and not in one of them in turn. */
  readonly everyMode?: boolean
  /** Under the rules for predicates that apply when nothing is configured. */
  readonly strict?: boolean
}

export async function survey(
  ground: Ground,
  version: PostgresVersion,
  who: Who,
  queries: readonly Query[],
  options: SurveyOptions = {},
): Promise<readonly Verdict[]> {
  const watch = watchFor({ ssn: who !== 'carl' })
  const cases = queries
    .filter(({ since }) => since <= version)
    .flatMap((query, index) => {
      const fitting = modes.filter(mode => mode.fits(query))
      const one = fitting[(index + Math.floor(index / 53)) % fitting.length]
      return (options.everyMode === true || one === undefined ? fitting : [one]).map(mode => ({
        query,
        mode,
      }))
    })
  // Several sessions at a time; each asks its own part in order, of both sides.
  const parts = Array.from({ length: SESSIONS }, (_, part) =>
    cases.filter((_each, index) => index % SESSIONS === part),
  )
  const verdicts = await Promise.all(
    parts.map(async part => {
      const questions = part.map(({ query, mode }) => ask(query, mode))
      const direct = await ground.direct(version, questions)
      const through = await ground.through(version, who, questions, options.strict)
      return part.flatMap(({ query, mode }, index) => {
        const [there, here] = [direct[index], through[index]]
        if (there === undefined || here === undefined) throw new Error('an answer is missing')
        const columns = !mode.name.startsWith('EXPLAIN')
        return judge({ query, mode: mode.name, columns }, there, here, watch)
      })
    }),
  )
  return verdicts.flat()
}
