// A connection that names no resource: a client that opens one to stop what another runs (Ctrl-C of the command line
// client) names none. It can do that, and nothing else. Short: it has as long as a login has.
import type { Gateway } from '#gateway'
import { InvalidRequest, isGatewayError, ProtocolError } from '#model'
import { readChangeUser, type UserChange } from './change-user.ts'
import { denial } from './denial.ts'
import { killOf } from './kill.ts'
import { type ClientLogin, dismiss } from './login.ts'
import { LoginPackets } from './login-packets.ts'
import { plainOk, writeError } from './messages.ts'
import { command, status } from './numbers.ts'
import { packets } from './packets.ts'

const MOST_BYTES = 4 * 1024

/** `kill`: whether that session is the client's own. Resolves when the connection is over, or with the next login on it. */
export async function serveErrands(
  client: Pick<ClientLogin, 'socket' | 'rest' | 'sequence' | 'capabilities'>,
  kill: (id: number) => boolean,
  limits: Pick<Gateway['limits'], 'loginMs'>,
): Promise<UserChange | undefined> {
  const { socket, rest, sequence, capabilities } = client
  const talk = new LoginPackets(socket, 0, rest)
  const deadline = setTimeout(
    () => talk.fail(new ProtocolError('protocol_violation', 'the connection was kept too long')),
    limits.loginMs,
  )
  let change: UserChange | undefined
  try {
    socket.write(packets(plainOk(status.autocommit), sequence))
    for (;;) {
      talk.restart()
      const payload = await talk.next(MOST_BYTES)
      if (payload[0] === command.quit) break
      if (payload[0] === command.changeUser) {
        const login = readChangeUser(payload, capabilities)
        change = { login, rest: talk.detach() }
        return change
      }
      talk.send(answer(payload, kill))
    }
    socket.end()
  } catch (error) {
    // Safe: whatever it was, the connection ends.
    dismiss(socket, isGatewayError(error) ? packets(denial(error), talk.sequence) : Buffer.alloc(0))
    if (!isGatewayError(error)) throw error
  } finally {
    clearTimeout(deadline)
    if (change === undefined) {
      talk.detach()
      socket.resume()
    }
  }
  return undefined
}

function answer(payload: Uint8Array, kill: (id: number) => boolean): Uint8Array {
  const ok = plainOk(status.autocommit)
  if (payload[0] === command.ping) return ok
  const id =
    payload[0] === command.query
      ? killOf(Buffer.from(payload.subarray(1)).toString('latin1'))
      : payload[0] === command.processKill && payload.length === 5
        ? Buffer.from(payload).readUInt32LE(1)
        : undefined
  if (id === undefined)
    return denial(
      new InvalidRequest('resource_unknown', 'the login named no resource', {
        hint: 'give the resource as the database, or NAME@RESOURCE as the user',
      }),
    )
  return kill(id)
    ? ok
    : writeError({ code: 1094, state: 'HY000', message: `Unknown thread id: ${id}` })
}
