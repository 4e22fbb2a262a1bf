// A message that is refused, with the rule that it broke. Fit for the client: no values.
import { ProtocolError, type ReasonCode } from '#model'

/** Stable names; docs/errors.md lists them under `protocol_violation`. */
export type HttpRule =
  | 'request_line'
  | 'method'
  | 'method_unsupported'
  | 'version'
  | 'target_form'
  | 'target_character'
  | 'target_escape'
  | 'target_encoded_separator'
  | 'target_dot_segment'
  | 'target_empty_segment'
  | 'target_too_long'
  | 'host_missing'
  | 'host_repeated'
  | 'host_invalid'
  | 'host_differs'
  | 'line_ending'
  | 'line_folding'
  | 'field_name'
  | 'field_value'
  | 'field_forbidden'
  | 'field_look_alike'
  | 'field_named'
  | 'method_override'
  | 'target_override'
  | 'fields_too_many'
  | 'head_too_large'
  | 'length_invalid'
  | 'length_and_encoding'
  | 'transfer_encoding'
  | 'chunk'
  | 'trailer'
  | 'expectation'
  | 'upgrade'
  | 'status_line'
  | 'body_missing'
  | 'body_surplus'
  | 'head_late'
  | 'body_late'
  | 'body_slow'
  | 'stream_flood'
  | 'connection_lost'

const messages: Record<HttpRule, string> = {
  request_line: 'the request line is not one of HTTP/1.1',
  method: 'the method is not written as methods are',
  method_unsupported: 'this method is not served',
  version: 'this version of HTTP is not served',
  target_form: 'the target is neither a path nor a URL of this host',
  target_character: 'the target holds a character that must be escaped',
  target_escape: 'the target holds an escape that is none',
  target_encoded_separator:
    'the path holds an escaped separator or NUL: servers read it differently',
  target_dot_segment: 'the path holds a dot segment: servers read it differently',
  target_empty_segment: 'the path holds an empty segment: servers read it differently',
  target_too_long: 'the target is too long',
  host_missing: 'the request names no host',
  host_repeated: 'the request names its host more than once',
  host_invalid: 'the host is not a name or an address with a port',
  host_differs: 'the target and the Host field name different hosts',
  line_ending: 'a line does not end as lines do',
  line_folding: 'a header field is folded over lines',
  field_name: 'a header field has a name that is none',
  field_value: 'a header field holds a control character',
  field_forbidden: 'a header field is not allowed in this version of HTTP',
  field_look_alike: 'a header field has a name that passes for another: underscores',
  field_named: 'Connection names a header field that is not of the connection',
  method_override: 'a header field asks for another method than the request line',
  target_override: 'a header field asks for another target than the request line',
  fields_too_many: 'the message has too many header fields',
  head_too_large: 'the head of the message is too large',
  length_invalid: 'the length of the body is not one number',
  length_and_encoding: 'the message has both a length and a transfer encoding',
  transfer_encoding: 'the transfer encoding is not chunked, once',
  chunk: 'a chunk of the body is not framed as chunks are',
  trailer: 'a trailer has a name that trailers must not have',
  expectation: 'this expectation is not met here',
  upgrade: 'the request to change the protocol is not a whole one',
  status_line: 'the status line is not one of HTTP/1.1',
  body_missing: 'the body ended before its length',
  body_surplus: 'more came than the length of the body',
  head_late: 'the head of the request took too long',
  body_late: 'the body stood still for too long',
  body_slow: 'the body comes too slowly',
  stream_flood: 'the connection was used to flood',
  connection_lost: 'the connection ended in the middle of a message',
}

export const httpRules = Object.keys(messages) as readonly HttpRule[]

const statuses: Partial<Record<HttpRule, number>> = {
  method_unsupported: 501,
  version: 505,
  target_too_long: 414,
  fields_too_many: 431,
  head_too_large: 431,
  transfer_encoding: 501,
  expectation: 417,
  head_late: 408,
  body_late: 408,
  body_slow: 408,
}

const tooLarge: readonly HttpRule[] = ['target_too_long', 'fields_too_many', 'head_too_large']

export class HttpRefusal extends ProtocolError {
  readonly rule: HttpRule
  /** What a request that broke the rule is answered; a response that did is a 502 for the client. */
  readonly status: number

  constructor(rule: HttpRule, cause?: unknown) {
    const code: ReasonCode = tooLarge.includes(rule) ? 'message_too_large' : 'protocol_violation'
    super(code, messages[rule], { detail: rule, ...(cause === undefined ? {} : { cause }) })
    this.rule = rule
    this.status = statuses[rule] ?? 400
  }
}
