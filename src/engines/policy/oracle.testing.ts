// The two comparisons with the library, for the test and for longer runs by hand.

import fc from 'fast-check'
import type { Principal } from '#model'
import { toJsonForm } from './cedar.ts'
import { checkPolicies } from './check.ts'
import { authorize } from './compile/authorize.ts'
import { readEntities, readFields } from './compile/entities-json.ts'
import { readEntity } from './compile/est.ts'
import { compilePolicy } from './compile/policy.ts'
import { CedarRecord } from './compile/values.ts'
import { principal } from './policy.testing.ts'
import {
  type Answer,
  anyPolicies,
  inCedar,
  oracle,
  ownersIn,
  type Request,
  request,
  typedPolicies,
} from './random-programs.testing.ts'

/** How many of the questions were answered in which way, so that a run that says nothing is seen. */
export interface Tally {
  asked: number
  allowed: number
  forbidden: number
  failed: number
  lifted: number
  refusedByCheck: number
}

export function newTally(): Tally {
  return { asked: 0, allowed: 0, forbidden: 0, failed: 0, lifted: 0, refusedByCheck: 0 }
}

function count(tally: Tally, answer: Answer): void {
  tally.asked++
  if (answer.decision === 'allow') tally.allowed++
  else if (answer.reasons.length > 0) tally.forbidden++
  if (answer.errors.length > 0) tally.failed++
}

function same(ours: Answer, theirs: Answer, about: unknown): void {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)]
  if (a !== b) throw new Error(`ours ${a}\ntheirs ${b}\n${JSON.stringify(about, null, 1)}`)
}

/** Any program: the compiled policies against the library. */
export function compareCompiled(runs: number, tally: Tally, seed?: number): void {
  const property = fc.property(anyPolicies, request, (texts, asked) => {
    const named = Object.fromEntries(texts.map((text, at) => [`p${at}`, text]))
    const compiled = new Map(
      Object.entries(named).map(([id, text]) => {
        const answer = toJsonForm(text)
        if ('complaints' in answer) throw new Error(`${text}: ${answer.complaints[0]?.message}`)
        return [id, compilePolicy(answer.form)]
      }),
    )
    const question = inCedar(asked)
    const theirs = oracle(named, question)
    const { decision, reasons, errors } = authorize(compiled, {
      principal: readEntity(question.principal),
      action: readEntity(question.action),
      resource: readEntity(question.resource),
      context: new CedarRecord(readFields(question.context)),
      entities: readEntities(JSON.parse(JSON.stringify(question.entities))),
    })
    count(tally, theirs)
    same({ decision, reasons: [...reasons].sort(), errors: [...errors].sort() }, theirs, {
      texts,
      question,
    })
  })
  fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) })
}

/** Policies that check: a session's whole decision against the library, what-if included. */
export function compareSessions(runs: number, tally: Tally, seed?: number): void {
  const property = fc.property(
    typedPolicies,
    fc.array(request, { minLength: 1, maxLength: 3 }),
    (texts, asked) => {
      const named = Object.fromEntries(texts.map((text, at) => [`p${at}`, text]))
      const text = Object.entries(named)
        .map(([id, body]) => `@id("${id}") ${body}`)
        .join('\n')
      const { set, problems } = checkPolicies([{ name: 'random.cedar', text }])
      if (set === undefined) {
        tally.refusedByCheck++
        if (problems.some(({ message }) => message.includes('cannot be')))
          throw new Error(JSON.stringify(problems))
        return
      }
      for (const one of asked) {
        const session = set.narrow(principalOf(one), { name: 'shop', tags: one.tags }, [])
        const decision = session.decide(one.statement, one.facts)
        const theirs = everyParty(named, one)
        count(tally, theirs)
        const duties = decision.obligations.filter(({ kind: duty }) => duty !== 'limit')
        if (duties.length > 0) {
          tally.lifted++
          lifts(
            named,
            one,
            theirs,
            duties.map(({ kind: duty }) => duty),
          )
          continue
        }
        const [operation] = decision.operations
        same(
          {
            decision: decision.effect === 'permit' ? 'allow' : 'deny',
            reasons: [...decision.policies].sort(),
            errors: [...(operation?.errors ?? [])].sort(),
          },
          theirs,
          { text, one },
        )
      }
    },
  )
  fc.assert(property, { numRuns: runs, ...(seed === undefined ? {} : { seed }) })
}

function principalOf(one: Request): Principal {
  const { kind, id, groups } = one.identity
  const actors = one.actor ? [{ ...one.actor, subject: one.actor.id, issuer: ISSUER }] : []
  return principal(kind, id, groups, { owners: ownersIn(one), actors })
}

/** The library's answer for the subject and for who acts for it: both have to be permitted. */
function everyParty(named: Readonly<Record<string, string>>, one: Request): Answer {
  const parties = one.actor ? (['subject', 'actor'] as const) : (['subject'] as const)
  const answers = parties.map(party => strict(named, oracle(named, inCedar(one, party))))
  const denied = answers.filter(({ decision }) => decision === 'deny')
  const union = (lists: readonly (readonly string[])[]) => [...new Set(lists.flat())].sort()
  return {
    decision: denied.length > 0 ? 'deny' : 'allow',
    reasons: union((denied.length > 0 ? denied : answers).map(({ reasons }) => reasons)),
    errors: union(answers.map(({ errors }) => errors)),
  }
}

/** The one point in which a session is stricter than Cedar: a forbid that cannot be evaluated forbids. */
function strict(named: Readonly<Record<string, string>>, answer: Answer): Answer {
  const failed = answer.errors.filter(id => /\bforbid\s*\(/.test(named[id] ?? ''))
  if (failed.length === 0) return answer
  const reasons = answer.decision === 'deny' ? answer.reasons : []
  return { decision: 'deny', reasons: [...reasons, ...failed].sort(), errors: answer.errors }
}

const ISSUER = 'https://idp.example'

/** A permit with duties: the library denies now, permits with all of them, and denies without any one. */
function lifts(
  named: Record<string, string>,
  one: Request,
  now: Answer,
  duties: readonly string[],
): void {
  const withDuties = (kinds: readonly string[]) => {
    const facts = {
      ...one.facts,
      approved: one.facts.approved || kinds.includes('approve'),
      mfa: one.facts.mfa || kinds.includes('step-up'),
      reason: one.facts.reason?.trim()
        ? one.facts.reason
        : kinds.includes('justify')
          ? '(a reason)'
          : undefined,
    }
    return everyParty(named, { ...one, facts }).decision
  }
  const without = duties.map(duty => withDuties(duties.filter(other => other !== duty)))
  if (now.decision === 'allow' || withDuties(duties) === 'deny' || without.includes('allow')) {
    throw new Error(`what-if is wrong: ${JSON.stringify({ named, one, duties, now, without })}`)
  }
}
