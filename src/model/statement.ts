// One unit of intent, in any protocol. Built by a protocol from one frame, judged by the gateway.
import type { ComparedValue, Lineage, ProbeUse } from './lineage.ts'

/** What an operation does. The same eight words in every protocol and in every policy. */
export const actions = [
  'connect',
  'read',
  'write',
  'define',
  'administer',
  'execute',
  'tunnel',
  'reveal',
] as const
export type Action = (typeof actions)[number]

/** Properties of an operation that policies ask for: each is a boolean in the Cedar context. */
export const flags = [
  /** A write that no condition narrows: no WHERE, or one that is always true. */
  'unfiltered',
  /** One of several statements in one text. */
  'multiple',
  /** Takes row locks (SELECT ... FOR UPDATE). */
  'locking',
  /** What runs is built at run time, so that we cannot know it. */
  'dynamic',
  /** Destroys what cannot be brought back: DROP, TRUNCATE. */
  'destructive',
  /** Touches the server's files or programs: COPY ... FROM PROGRAM. */
  'server_files',
  /** Copies rows in or out in bulk. */
  'bulk',
  /** Only shown, not run: EXPLAIN without ANALYZE. */
  'explain',
  /** Done by code that the statement runs (a function, a rule, DO), not by the statement's own words. */
  'indirect',
  /** More than one plain command: what a shell would expand, join, redirect or run beside it. */
  'compound',
  /** With the rights of that code's owner, not of the session's role: SECURITY DEFINER. */
  'definer',
] as const
export type Flag = (typeof flags)[number]

/** A thing inside a resource. An empty `name` is the resource itself. */
export interface TargetObject {
  /** Unique in the resource: `public.customers`, `pods/default/web-1`. No leading slash. */
  readonly name: string
  /** `table`, `view`, `function`, `path`, ... ; `resource` when `name` is empty. */
  readonly kind: string
}

/** An action on an object. */
export interface Operation {
  readonly action: Action
  /** The protocol's own word, upper case where it has one: `SELECT`, `COPY`, `pods/exec`. */
  readonly verb: string
  readonly object: TargetObject
  /** Columns (or fields) that are read or written, where they are known. Empty: unknown or none. */
  readonly columns: readonly string[]
  readonly flags: readonly Flag[]
  /**
   * The protocol's own finer sort of operation (SQL: `privilege`, `file_program`, ...; docs/guides/policies.md), for policies
   * that need more than the eight actions.
   */
  readonly category?: string
  /** Where an action `tunnel` leads. */
  readonly tunnel?: TunnelEnd
}

/** The end of a tunnel that is not the client's. */
export interface TunnelEnd {
  /** `out`: the client opens it, to somewhere behind the resource. `in`: the resource opens it, to the client. */
  readonly direction: 'out' | 'in'
  /** A TCP port, a socket in a file system, the client's key agent, its display; `host`: the resource itself. */
  readonly kind: 'tcp' | 'socket' | 'agent' | 'display' | 'host'
  /** A name in lower case or an address in its one form; where it listens when it comes in. Empty: there is none. */
  readonly host: string
  /** 0: there is none, or whichever is free. */
  readonly port: number
}

/** A bound value of a statement. */
export interface Parameter {
  /** The protocol's type name or number, as text; `unknown` when the client does not say. */
  readonly type: string
  readonly format: 'text' | 'binary'
  /** null is SQL's NULL. A view: its bytes must not change until the session has recorded them. */
  readonly value: Uint8Array | null
}

/** Parts of a statement that have names, for policies: `/amount` of a body, `?expand` of a query, `{id}` of a path. */
export interface NamedValues {
  /** All values of that name, as text. */
  readonly texts: ReadonlyMap<string, readonly string[]>
  /** Whole numbers, where a name has one value. */
  readonly numbers: ReadonlyMap<string, number | bigint>
}

/** A selector, or a test. */
export interface FieldAsked {
  /** Names, from the whole object to the field. */
  readonly way: readonly string[]
  readonly use: Extract<ProbeUse, 'equality' | 'condition' | 'test'>
  /** Of an equality: what it is compared with. */
  readonly values: readonly string[]
}

/** What a principal asks in one frame. It gets one decision. */
export interface Statement {
  /** Verbatim, as the client sent it. */
  readonly text: string
  /** Never empty: a statement that touches nothing is one `connect` operation on the resource. */
  readonly operations: readonly Operation[]
  /** Functions that are called, qualified where that is known. */
  readonly functions: readonly string[]
  /** `prepare`: its shape is judged, it does not run yet; `execute`: it runs. Approvals wait at `execute`. */
  readonly phase: 'prepare' | 'execute'
  readonly parameters?: readonly Parameter[]
  readonly named?: NamedValues
  /** Session state that changes what the text means (upstream role, search_path); part of the digest. */
  readonly state?: { readonly [name: string]: string }
  /**
   * The columns that an output of unknown origin may derive from: `object.column` names.
   * `all` when that cannot be told. Used for masking (docs/adr/0006-masking.md).
   */
  readonly mayDeriveFrom: readonly ColumnName[] | 'all'
  /**
   * Where values come from and go to, for each statement of the text in order. Absent: the protocol cannot tell, and
   * all of `mayDeriveFrom` counts as shown, asked about and, where it writes, sent.
   */
  readonly lineage?: readonly Lineage[]
  /**
   * The values that columns are compared with where `lineage` has probes of use `equality`, their columns expanded
   * as there; `unknown` when one cannot be told. Asked only for columns that are masked: it may read the text again.
   */
  readonly compared?: () => readonly ComparedValue[] | 'unknown'
  /** Fields of what it is about whose values it asks for without showing them: where a protocol's objects have fields, and no columns. */
  readonly fieldsAsked?: readonly FieldAsked[]
  /**
   * What it would store that its text does not show as it is (encoded values of a body): refused when a mask of ours is in it.
   */
  readonly stored?: () => Iterable<Uint8Array>
  /** True when a part of it goes on unread, as it comes: then nobody can be asked to say yes to it. */
  readonly unread?: boolean
  /**
   * How it is put on record where its own words hold values that are hidden (a path does). The same text and operations when nothing
   * is. Absent: as it is.
   */
  readonly kept?: (look: Look) => Pick<Statement, 'text' | 'operations'>
  /** True while a transaction of the client's is open: a wait holds its locks. */
  readonly inTransaction?: boolean
}

/** What records may not show, as its principal may not see it. */
export interface Look {
  /** The text with what detectors find taken out. */
  text(text: string): string
  /** Whether values of a field of this name are hidden. */
  hidesName(name: string): boolean
}

/** A column by the name of its object (as in `TargetObject.name`) and its own. */
export interface ColumnName {
  readonly object: string
  readonly column: string
}
