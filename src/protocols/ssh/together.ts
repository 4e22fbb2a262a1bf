// The library hands a packet to its socket in three pieces: length, body, tag. Each would be a call to the system, a packet
// on the network and a wake-up at the other end; what is written within one turn goes out as one.
import type { Duplex } from 'node:stream'

export function writeTogether(socket: Duplex): void {
  const write = socket.write.bind(socket)
  let waits = false
  const send = () => {
    waits = false
    socket.uncork()
  }
  socket.write = ((chunk: Uint8Array): boolean => {
    if (!waits) {
      waits = true
      socket.cork()
      process.nextTick(send)
    }
    return write(chunk)
  }) as typeof socket.write
}
