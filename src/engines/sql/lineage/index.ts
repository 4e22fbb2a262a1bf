// The algebra of values and its resolver, for the dialects of this room.
export { alike, foldedName, isBeyondAscii } from './alike.ts'
export type {
  Assignment,
  Call,
  Condition,
  Conflict,
  Cte,
  Expression,
  FromItem,
  FunctionCall,
  Key,
  Merge,
  MergeAction,
  Plan,
  Query,
  Returning,
  Select,
  SubQuery,
  Target,
  With,
  WriteTarget,
} from './plan.ts'
export { fixedPlan, type Planned, quotedPlan } from './planned.ts'
export { resolveCompared, resolveLineage } from './resolve.ts'
export type { NameRules } from './rules.ts'
export type { LineageNames, NamedRelation } from './run.ts'
