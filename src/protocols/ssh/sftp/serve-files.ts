// The file subsystem while it runs: a file channel between the two legs, standing on the permit of its start, and its end on
// record.
import { standOn, type Waiting } from '#gateway'
import { AccessDenied, ProtocolError } from '#model'
import { closed, codeOf, finish, settled } from '../channel-end.ts'
import type { Running } from '../legs.ts'
import { FileChannel } from './file-channel.ts'
import { readsTargetFirst } from './link-order.ts'
import { FILES } from './statement.ts'

/** Resolves when the host's channel is over; throws what ended it. */
export async function serveFiles(
  { session, permit, client, host, pressed, hostPressed, exit, tell, unheard }: Running,
  login: string,
  waiting: Waiting,
): Promise<void> {
  const over = closed(host)
  const broken: unknown[] = []
  const fell = Promise.withResolvers<void>()
  const files = new FileChannel({
    session,
    client,
    pressed,
    hostPressed,
    upstream: host,
    login,
    targetFirst: readsTargetFirst(host),
    mostBytes: permit.limit.bytes ?? Infinity,
    waiting,
    onBroken: error => {
      broken.push(error)
      host.close()
      // Whoever broke it may never close it.
      fell.resolve()
    },
  })
  // What is read and written through open files is asked for at each piece; here, whether there are files at all.
  const standing = standOn(session, permit, () => {})
  const ending = AbortSignal.any([unheard, standing.signal])
  const problem = (): unknown => broken[0] ?? standing.signal.reason
  await settled(Promise.race([over, fell.promise]), host, ending, () => {
    standing.drop()
    files.end()
    const done = exit.code === 0 && problem() === undefined
    tell({
      status: unheard.aborted ? 'cancelled' : done ? 'completed' : 'failed',
      ...(done ? {} : { errorCode: codeOf(exit) }),
      rows: 0,
      bytes: files.sent,
    })
  })
  if (session.signal.aborted) return
  const error = problem()
  if (error === undefined) return finish(client, exit)
  if (error instanceof ProtocolError || error instanceof AccessDenied) session.refused(FILES, error)
  throw error
}
