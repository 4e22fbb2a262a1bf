// The plan of a statement, ready to be resolved: EXECUTE and FETCH stand for what they name, and the catalog answers
// for names.
import type { ComparedValue, Derivation, Lineage, OutputLineage, Probe } from '#model'
import type { SqlStatement } from './analysis.ts'
import type { LineageNames, NamedRelation, NameRules, Plan } from './lineage/index.ts'
import type { Names, ResolvedRelation } from './names.ts'
import { otherFunctions, safeFunctions } from './postgres/catalog-names.ts'
import { hasSystemColumns, isSystemColumn } from './system-columns.ts'

/** EXECUTE of an EXECUTE of ...: the server has no such thing, a text may try. */
const DEEPEST = 8

/** The plan, with that of the statement that it names in its place. `target`: what EXECUTE or FETCH stands for. */
export function settledPlan(
  statement: SqlStatement,
  target: (statement: SqlStatement) => SqlStatement | undefined,
  depth = 0,
): Plan {
  const put = (plan: Plan): Plan => {
    if (plan.kind === 'explained' || plan.kind === 'kept') return { ...plan, plan: put(plan.plan) }
    if (plan.kind !== 'named') return plan
    const found = target(statement)
    if (found === undefined || depth >= DEEPEST) return { kind: 'unknown' }
    return settledPlan(found, target, depth + 1)
  }
  return put(statement.plan)
}

/** The parameters of a prepared statement are the arguments of its EXECUTE. */
export function withArguments(
  compared: readonly ComparedValue[],
  { executes }: SqlStatement,
): readonly ComparedValue[] | 'unknown' {
  if (executes === undefined) return compared
  const all: ComparedValue[] = []
  for (const { columns, value } of compared) {
    const own = 'parameter' in value ? executes.given?.[value.parameter] : value
    if (own === undefined) return 'unknown'
    all.push({ columns, value: own })
  }
  return all
}

/**
 * A user's operator may be the better match for the operands than the built-in one: what is no plain column may be
 * its doing, and a comparison is what its function makes of it.
 */
export function withOwnOperators({ outputs, probes, transfers }: Lineage): Lineage {
  return {
    outputs: outputs === 'unknown' ? outputs : outputs.map(doubted),
    probes: probes === 'unknown' ? probes : probes.map(unsaid),
    transfers: transfers === 'unknown' ? transfers : transfers.map(doubted),
  }
}

/**
 * A cast of a value is code of a user that looks at more than the value: what is no plain column may be its doing, and so is
 * what a condition compares. `alsoConstants`: values of the sender's own are of such a type.
 */
export function withOwnCasts(lineage: Lineage, alsoConstants: boolean): Lineage {
  const { outputs, probes, transfers } = lineage
  const isPlain = ({ sources, how }: OutputLineage): boolean =>
    sources.length === 0 ? !alsoConstants : sources.length === 1 && how === 'identity'
  return {
    outputs:
      outputs === 'unknown'
        ? outputs
        : outputs.map(each => (isPlain(each) ? each : { ...each, how: 'unknown' })),
    probes: probes.length === 0 ? probes : 'unknown',
    transfers:
      transfers === 'unknown' ? transfers : transfers.map(each => ({ ...each, how: 'unknown' })),
  }
}

function doubted<T extends { readonly how: Derivation }>(value: T): T {
  return value.how === 'identity' ? value : { ...value, how: 'unknown' }
}

/** A comparison of which the text does not say with what: in code, or by an operator that may be another. */
export function unsaid(probe: Probe): Probe {
  return probe.use === 'equality' ? { ...probe, use: 'condition' } : probe
}

function asWritten(relation: ResolvedRelation, known: NameRules | undefined): NamedRelation {
  const { object, kind, columns, hidden, numeric, triggers, rules } = relation
  const rewritten = triggers === true || (rules !== undefined && rules.length > 0)
  const tracked = kind === 'view' || kind === 'materialized view'
  const systemColumns = known === undefined && hasSystemColumns(kind)
  return {
    object,
    columns,
    rewritten,
    tracked,
    systemColumns,
    ...(hidden === undefined ? {} : { hidden }),
    ...(numeric === undefined ? {} : { numeric }),
  }
}

/** `isHidden`: an unqualified name means something else than the catalog says. `unread`: any may. */
export function lineageNames(
  names: Names,
  isHidden: (name: string) => boolean,
  unread: boolean,
  numbersBound = false,
): LineageNames {
  const { rules } = names
  return {
    relations: name =>
      unread || (name.schema === undefined && isHidden(name.name))
        ? undefined
        : names.resolve(name).map(each => asWritten(each, rules)),
    // What the present transaction has defined no catalog shows: any name may be a function of a user by now.
    overloaded: name => unread || (names.functions?.(name).length ?? 0) > 0,
    isSafeFunction: name => safeFunctions.has(name),
    isOtherFunction: name => otherFunctions.has(name),
    isPlainType: type => !unread && names.isPlainType?.(type) === true,
    isSystemColumn,
    numbersBound,
    ...(rules === undefined ? {} : { rules }),
  }
}
