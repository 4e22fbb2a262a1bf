// What a client is told when its session stands: AuthenticationOk, the server's settings, its cancel key,
// ReadyForQuery. One write.
import type { CancelKey } from './cancel.ts'
import type { ClientLogin } from './handshake.ts'
import {
  authenticationOk,
  backendKeyData,
  noticeResponse,
  parameterStatus,
  readyForQuery,
} from './messages.ts'

export function welcome(
  client: Pick<ClientLogin, 'otherEncoding'>,
  statuses: ReadonlyMap<string, string>,
  key: CancelKey,
): Uint8Array {
  const parts = [authenticationOk()]
  for (const [name, value] of statuses) parts.push(parameterStatus(name, value))
  parts.push(backendKeyData(key.pid, key.key))
  if (client.otherEncoding !== undefined) {
    parts.push(
      noticeResponse([
        ['S', 'WARNING'],
        ['V', 'WARNING'],
        ['C', '01000'],
        ['M', 'the encoding of this session is UTF8, not the one that was asked for'],
        ['H', 'set PGCLIENTENCODING=UTF8, or client_encoding in the driver'],
      ]),
    )
  }
  parts.push(readyForQuery('I'))
  return Buffer.concat(parts)
}
