/**
 * When a session asked and what became of it, without texts: for a line of time. Each mark is a step (`stepMs` from
 * the session's start) and what happened in it: permitted, held, denied, masked.
 */
export interface SessionMarks {
  readonly stepMs: number
  readonly marks: readonly (readonly [
    step: number,
    permitted: number,
    held: number,
    denied: number,
    masked: number,
  ])[]
}
