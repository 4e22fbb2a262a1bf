// Requests over HTTP under permits, whatever they mean: connections of clients, the sessions on them, the way upstream and back.
export { fieldValue, KeptCredential, type Resolved } from './credential.ts'
export type {
  Access,
  AskedAnswer,
  Denial,
  Dialect,
  Injected,
  ReadAnswer,
  ReadRefusal,
  RequestReader,
  TunnelParts,
  UpstreamCredential,
  Way,
} from './dialect.ts'
export { readAnswer, unreadableAnswer } from './masking.ts'
export { originFields, originOf } from './origin.ts'
export type { ReadBody } from './request-body.ts'
export { SecretFilter } from './secret-filter.ts'
export { ReverseProxy } from './serve.ts'
export { statusOf } from './status.ts'
export { Upstreams } from './upstreams.ts'
export {
  CLOSE,
  closeFrame,
  type FrameHead,
  FrameReader,
  type FrameReceiver,
  serverFrame,
} from './websocket.ts'
