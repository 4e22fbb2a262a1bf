// JSON texts from bytes: tokens of a stream, strings both ways, pointers, and the facts that policies ask for.
export { type JsonFact, type JsonFacts, readFacts } from './facts.ts'
export { foldName, type PointerPattern, parsePointer } from './pointer.ts'
export { type JsonFault, JsonProblem } from './problem.ts'
export { decodeString, encodedBytes, encodeString, putCodePoint } from './text.ts'
export {
  ARRAY,
  ARRAY_END,
  END,
  FALSE,
  JsonTokens,
  LAST_PIECE,
  NAME,
  NEED,
  NULL,
  NUMBER,
  OBJECT,
  OBJECT_END,
  PIECE,
  type SeenName,
  type SeenNames,
  STRING,
  type Token,
  TRUE,
} from './tokens.ts'
