// What requests to a cluster's API mean: from method, path, query and body to the operations that policies decide on.
export { type ForwardedBody, forwardedBody, MOST_BODY_BYTES } from './body.ts'
export { commandLine } from './command-line.ts'
export { readPort } from './port-forward.ts'
export type { AskedBody } from './request-body.ts'
export { type RequestInfo, requestInfo } from './request-info.ts'
export {
  type AskedOfCluster,
  type ClusterRequest,
  portStatement,
  readRequest,
  readStatement,
  readsBody,
} from './statement.ts'
