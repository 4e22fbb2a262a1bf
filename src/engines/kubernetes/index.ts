// What requests to a cluster's API mean: from method, path, query and body to the operations that policies decide on.
export { type RequestInfo, requestInfo } from './request-info.ts'
