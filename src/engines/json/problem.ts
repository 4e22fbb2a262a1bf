// Why a text is not the JSON that we take. Says where, never what stands there.

export type JsonFault =
  | 'syntax'
  | 'truncated'
  | 'trailing'
  | 'depth'
  | 'encoding'
  | 'control'
  | 'escape'
  | 'number'
  | 'too_long'
  | 'duplicate'
  | 'variant'
  | 'nul'
  | 'surrogate'
  | 'mark'

const SAYS: Record<JsonFault, string> = {
  syntax: 'something stands where the grammar has another thing',
  truncated: 'it ends too early',
  trailing: 'something stands behind its end',
  depth: 'it is nested too deep',
  encoding: 'it is not UTF-8',
  control: 'a control character stands in a string',
  escape: 'an escape is not one of JSON',
  number: 'a number is not one of JSON',
  too_long: 'a name or a number is too long',
  duplicate: 'a name stands twice in one object',
  variant: 'a name differs only by case from one that is judged',
  nul: 'a string holds a NUL',
  surrogate: 'a string holds half a character',
  mark: 'it begins with a byte order mark',
}

/** A text that is not JSON as we take it. */
export class JsonProblem extends Error {
  readonly fault: JsonFault
  /** The byte, counted from the beginning of the text. */
  readonly at: number

  constructor(fault: JsonFault, at: number) {
    super(`JSON, byte ${at}: ${SAYS[fault]}`)
    this.name = 'JsonProblem'
    this.fault = fault
    this.at = at
  }
}
