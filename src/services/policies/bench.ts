// What the workbench is asked, and what it answers: plain values, since they cross into another thread. The work itself
// is here too, so that it can be tried without one.
import { explainUses, predicateRuleFor } from '#engines/exposure'
import {
  type CaseResult,
  type ConsoleAction,
  checkPolicies,
  consoleActions,
  type Facts,
  mayOperate,
  type PolicyCase,
  type PolicyFile,
  type PolicySet,
  type PolicySummary,
  type Problem,
  type RevealWhy,
  runPolicyCases,
  type Vocabulary,
  type Why,
  why,
  whyReveal,
} from '#engines/policy'
import type { ColumnName, DataClass, Grant, Principal, Resource, Statement } from '#model'
import { namesIn } from './class-names.ts'
import { type ReplayCase, type Replayed, replay } from './replay.ts'

/** Files, and what is asked of the set that they make. */
export interface BenchQuestion {
  readonly files: readonly PolicyFile[]
  readonly vocabulary: Vocabulary
  /** Which console rights somebody would have. */
  readonly rights?: { readonly principal: Principal; readonly facts: Facts }
  readonly cases?: readonly PolicyCase[]
  readonly why?: WhyQuestion
  /** Statements of the past, and the files that are in force. */
  readonly replay?: {
    readonly before: readonly PolicyFile[]
    readonly cases: readonly ReplayCase[]
    readonly classes: readonly DataClass[]
  }
}

export interface WhyQuestion {
  readonly principal: Principal
  readonly resource: Pick<Resource, 'name' | 'tags' | 'masking'>
  /** Without what cannot cross to another thread; values are not counted here. */
  readonly statement: Omit<Statement, 'compared'>
  readonly grants: readonly Grant[]
  readonly facts: Facts
  readonly classes: readonly DataClass[]
}

/** All but the problems only when the files check. */
export interface BenchAnswer {
  readonly problems: readonly Problem[]
  readonly policySet?: string
  readonly policies?: readonly PolicySummary[]
  readonly rights?: readonly ConsoleAction[]
  readonly cases?: readonly Omit<CaseResult, 'why'>[]
  readonly why?: WhyAnswer
  readonly replay?: readonly (Replayed | undefined)[]
}

export interface WhyAnswer {
  readonly decision: Why
  readonly uses: Omit<ReturnType<typeof explainUses>, 'refusal'> & {
    readonly refusal:
      | {
          readonly error: {
            readonly code: string
            readonly message: string
            readonly hint?: string
          }
        }
      | undefined
  }
  readonly reveals: readonly RevealWhy[]
}

export function answer(question: BenchQuestion): BenchAnswer {
  const { set, problems } = checkPolicies(question.files, question.vocabulary)
  if (set === undefined) return { problems }
  const { rights, cases } = question
  return {
    problems,
    policySet: set.hash,
    policies: set.policies,
    ...(rights && {
      rights: consoleActions.filter(each => mayOperate(set, rights.principal, each, rights.facts)),
    }),
    ...(cases && { cases: runPolicyCases(set, cases).map(({ why: _, ...result }) => result) }),
    ...(question.replay && { replay: replayOf(set, question) }),
    ...(question.why && { why: whyOf(set, question.why) }),
  }
}

function replayOf(
  set: PolicySet,
  { replay: asked, vocabulary }: BenchQuestion,
): readonly (Replayed | undefined)[] {
  const { before, cases = [], classes = [] } = asked ?? {}
  const { set: old } = checkPolicies(before ?? [], vocabulary)
  // What is in force checks: it was loaded.
  if (old === undefined) throw new Error('what is in force does not check')
  return replay(old, set, cases, classes)
}

export function whyOf(set: PolicySet, question: WhyQuestion): WhyAnswer {
  const { principal, resource, statement, grants, facts, classes } = question
  const asked = { principal, resource, grants, facts }
  const { classOf } = namesIn(classes)
  const policies = set.narrow(principal, resource, grants)
  const view = {
    hides: (column: ColumnName) => {
      const found = classOf(column)
      return found && !policies.reveals(found.name, column, facts) ? found : undefined
    },
    hiddenAnywhere: () =>
      classes.filter(
        ({ name, columns }) => columns.length > 0 && !policies.reveals(name, 'unknown', facts),
      ),
  }
  const rule = predicateRuleFor(principal, resource.masking.predicates)
  const { refusal, ...uses } = explainUses(statement, rule, view, classOf)
  const error = refusal?.error
  return {
    decision: why(set, { ...asked, statement }),
    uses: {
      ...uses,
      // An error of ours loses its words on the way to another thread.
      refusal: error && {
        error: {
          code: error.code,
          message: error.message,
          ...(error.hint === undefined ? {} : { hint: error.hint }),
        },
      },
    },
    reveals: uses.classes.map(({ dataClass, column }) => whyReveal(set, asked, dataClass, column)),
  }
}
