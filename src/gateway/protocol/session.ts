// One principal on one resource over one connection, as a protocol sees it. sessions/live-session.ts implements it.
import type { Socket } from 'node:net'
import type { BodyMasker, BodySettings } from '#engines/bodies'
import type {
  CloseReason,
  DataClass,
  GatewayError,
  Look,
  Origin,
  Preview,
  Principal,
  ResolvedSecrets,
  Resource,
  SessionId,
  Statement,
} from '#model'
import type { Permit } from './permit.ts'

/** How a protocol takes part while a statement is held for a person. */
export interface Waiting {
  /** Tells the client that it waits, in the wire's own way. Called at once and then every 10 s. */
  notify(message: string): void
  /** Aborts when the client leaves or cancels: the request is then withdrawn. */
  readonly signal: AbortSignal
  /** The longest that the client would wait, in ms; absent: as long as the resource says. */
  readonly mostMs?: number | undefined
  /**
   * Looks at what the statement would do, without running any of it, by a connection of its own. For the approver:
   * asked once for each request, while or after the client waits. Absent: the protocol cannot tell. Rejects with a
   * GatewayError whose message the approver reads; ends soon after the signal of `access`, with what it has.
   */
  readonly preview?:
    | ((statement: Statement, access: UpstreamAccess) => Promise<Preview>)
    | undefined
}

/** A way to the upstream that is not a session's: for looking, not for running. */
export interface UpstreamAccess extends Pick<Session, 'dial' | 'credential'> {
  /** Its deadline. */
  readonly signal: AbortSignal
}

/** A session whose opening is in the log and on its way to the disk: enough to log in at the upstream with, and no more. */
export type OpeningSession<Upstream = unknown> = Pick<
  Session<Upstream>,
  'id' | 'principal' | 'resource' | 'signal' | 'dial' | 'credential'
>

/** What came of a permitted statement. */
export interface Outcome {
  readonly status: 'completed' | 'failed' | 'cancelled'
  /** The upstream's own error code, when it failed. */
  readonly errorCode?: string | undefined
  /** Rows returned or changed. */
  readonly rows: number
  /** How many times it was sent upstream, when more than once: the first may have been acted upon too. */
  readonly sent?: number | undefined
  /** Bytes of answer sent to the client; of a statement that loads a file of the client, the file's. */
  readonly bytes: number
  /** Values that were masked, by data class. */
  readonly masked?: ReadonlyMap<string, number> | undefined
}

/** A piece of answer as the principal saw it (after masking), for the recording. */
export interface RecordedAnswer {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly (string | null)[])[]
  /** True when more came than the resource's `recording.answerBytes`. */
  readonly truncated: boolean
}

/** How a text that became no statement is kept. */
export type KeptText = (text: string, look: Look) => string

/** Where a piece of output came out. */
export type OutputStream = 'output' | 'error'

/** A terminal's size, in characters. */
export interface TerminalSize {
  readonly columns: number
  readonly rows: number
  /** What the client says that it is: `xterm-256color`. */
  readonly type?: string | undefined
}

/**
 * The way out of a session that holds back what it sends until its turn is over. Entries of statements that several sessions
 * decide in one turn of the loop then go out with one write, and what they permit after it.
 */
export interface Departure {
  /** True while something was permitted whose entry may not be on record: nothing goes upstream before `clear`. */
  readonly waits: boolean
  /**
   * When it returns, all that was permitted is on record. Throws Unavailable when it cannot be, then and ever after: nothing
   * that was permitted since may be sent, and the session has to end.
   */
  clear(): void
  /** The turn is over: `depart` is called now, or with the other sessions' when the loop's turn is. */
  leave(): void
}

export interface Session<Upstream = unknown> {
  readonly id: SessionId
  readonly principal: Principal
  readonly resource: Resource<Upstream>
  readonly origin: Origin
  /** The configured data classes (name patterns and methods). */
  readonly dataClasses: readonly DataClass[]
  /**
   * What hides in one body all that a class hides there from anybody, whatever the principal may see: for an approver's eyes. Undefined:
   * no class hides anything in bodies. Throws BodyProblem.
   */
  entireMasker(settings: BodySettings): BodyMasker | undefined
  /** Aborts, with a `CloseReason` as its reason, when the session must end at once. */
  readonly signal: AbortSignal

  /** Opens a TCP connection to the upstream, directly or through a connector. Throws UpstreamError. */
  dial(host: string, port: number): Promise<Socket>
  /** The upstream credential, for the length of a handshake; wiped by `release`. */
  credential(): Promise<{
    readonly user: string
    readonly secrets: ResolvedSecrets
    release(): void
  }>

  /**
   * Decides the statement, discharges its obligations, puts it on record, and mints the permit. Answers
   * synchronously when nothing has to be waited for (no approval, no fsync): the data path's fast case.
   * Throws (or rejects with) AccessDenied or Unavailable: the refusal is on record by then.
   */
  authorize(statement: Statement, waiting: Waiting): Permit | Promise<Permit>
  /**
   * For a protocol that sends at the end of its turns: from here on a permit is good for sending once `clear` of the departure
   * has returned, and no sooner. `depart` sends what waits, after `clear`; it may not throw. Without this, a permit is good at once.
   */
  departs(depart: () => void): Departure
  /** The principal's reason, in its own words: a fact for policies (`context.reason`), shown to approvers. */
  justify(reason: string): void
  /**
   * Puts a refusal on record that was made before a statement could be built (unreadable text and the like). `kept`: how the text
   * is kept where its words hold values that are hidden.
   */
  refused(text: string, error: GatewayError, kept?: KeptText): void
  /**
   * For what runs on one permit for long, or without an end of its own (`standOn`): the same permit, or one by the rules of now on
   * the same entry; undefined when it would not be permitted any more, with the yes that it was given. Records nothing.
   */
  renew(permit: Permit): Permit | undefined
  /** Calls back when policies, data classes or grants changed: what runs is to be renewed. Gives the function that ends it. */
  onRules(listener: () => void): () => void
  /** Ends the exchange of a permit: its outcome goes on record. */
  complete(permit: Permit, outcome: Outcome): void
  /** Adds to the recording what the principal saw. */
  recordAnswer(permit: Permit, answer: RecordedAnswer): void
  /**
   * The same for an answer that is a stream of text, in pieces as they went to the client. A promise when the
   * recording is behind: take no more of the stream before it resolves.
   */
  recordOutput(permit: Permit, stream: OutputStream, bytes: Uint8Array): Promise<void> | undefined
  /**
   * What is typed on the terminal of what runs, before it goes upstream. Kept where the resource says so, line by line, as far
   * as the terminal shows it back; nothing of it without a terminal.
   */
  recordInput(permit: Permit, bytes: Uint8Array): void
  /** The terminal that output is shown on from here on. */
  recordSize(permit: Permit, size: TerminalSize): void
  /**
   * Does what need not be done before anything is sent: the recording, the counts. To be called when all bytes of a
   * turn are on their way. A few statements are caught up with together; what is left undone is done within a second,
   * and at once for whoever watches or reads.
   */
  catchUp(): void
  /** Ends the session. Idempotent. */
  close(reason: CloseReason): Promise<void>
}
