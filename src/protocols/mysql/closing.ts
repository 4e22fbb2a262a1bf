// The end of sockets: whoever waits for it is told once, and it comes.
import type { Duplex } from 'node:stream'

/** From the decision to end to closed sockets. */
const CLOSING_MS = 1_500

/** Calls when all of them are closed; `late`: some had to be destroyed for it. */
export function whenClosed(sockets: readonly Duplex[], done: (late: boolean) => void): void {
  let open = sockets.length
  let late = false
  const deadline = setTimeout(() => {
    late = true
    for (const socket of sockets) socket.destroy()
  }, CLOSING_MS)
  const closed = (): void => {
    open -= 1
    if (open > 0) return
    clearTimeout(deadline)
    done(late)
  }
  for (const socket of sockets) {
    // Its last bytes are of no use to us, but unread they keep it from closing.
    socket.resume()
    if (socket.destroyed) closed()
    else socket.once('close', closed)
  }
}
