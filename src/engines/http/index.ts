// What requests mean: from a judged request to the operations that policies decide on.

export { isTakenFor, pairsOfAll } from './field-names.ts'
export {
  type GraphqlLimits,
  type GraphqlOperation,
  type GraphqlRequest,
  graphqlLimits,
  readGraphql,
} from './graphql.ts'
export { keptFirstLine, keptRequest } from './kept-request.ts'
export { actionOf, isServed } from './methods.ts'
export { type MultipartForm, readMultipart } from './multipart.ts'
export { type ApiDocument, ApiDocumentProblem, readOpenApi } from './openapi.ts'
export { overridingMethods } from './overriding.ts'
export {
  type AskedBody,
  type AskedRequest,
  readRequestText,
  requestText,
  withoutWait,
} from './request-text.ts'
export { type Route, RouteTable } from './routes.ts'
export { withoutSecretsOfAddress } from './secret-values.ts'
export { type AskedOfApi, httpStatement, type Reading, readForm } from './statement.ts'
