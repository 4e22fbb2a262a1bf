// HTTP as bytes: the strict front towards clients, the client towards upstreams, and the words both use.

export { addressRule } from './addresses.ts'
export { Body, type BodyReceiver, type BodyWriter, type Flow, pipe, type Tunnel } from './body.ts'
export { contentCodings, decodeContent } from './content-coding.ts'
export { unwatch, type Watched, watch } from './deadlines.ts'
export type { Exchange, HttpConnection, ServeHttpOptions } from './exchange.ts'
export { type Field, Fields, looseName } from './fields.ts'
export { type ForwardedBy, forwardable, returnable, type Scheme, schemeOf } from './forwarding.ts'
export { defaultLimits, type HttpLimits } from './limits.ts'
export {
  bodyFollows,
  type Framing,
  type Host,
  type HttpVersion,
  NO_BODY,
  type RequestHead,
  type ResponseHead,
  STREAM,
  type Target,
} from './message.ts'
export { HttpRefusal, type HttpRule } from './refusal.ts'
export { type RelayOptions, relay, targetText } from './relay.ts'
export { RepeatedRequest, RepeatedResponse } from './repeated.ts'
export { httpProtocols, serveHttp } from './serve.ts'
export { readHost, readTarget, writeHost } from './target.ts'
export { Upstream, type UpstreamOptions } from './upstream.ts'
export type {
  AnswerListener,
  UpstreamCall,
  UpstreamOrigin,
  UpstreamRequest,
  UpstreamResponse,
} from './upstream-types.ts'
export { websocketAccept } from './websocket-accept.ts'
