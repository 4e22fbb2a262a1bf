// TCP ports of 127.0.0.1 for servers that are told their port before they listen. Two that ask at once, in one
// process or in two, are never given the same; and no outgoing connection of this machine takes one in between.
import { createServer, type Server } from 'node:net'

/** Below the range from which Linux and others give ports to connections, above what browsers refuse (10080). */
const FIRST = 11_000
const END = 32_700
/** A block belongs to the process that listens on its first port: nothing is left behind, however that ends. */
const BLOCK = 100
const HOST = '127.0.0.1'

let next = 0
let end = 0
let looking: Promise<unknown> = Promise.resolve()

/** A port that nobody has, and that is given to nobody else while this process lives. */
export function freePort(): Promise<number> {
  const found = looking.then(find)
  looking = found.catch(() => {}) // told to who asked
  return found
}

async function find(): Promise<number> {
  for (;;) {
    if (next >= end) await takeBlock()
    const port = next
    next += 1
    const probe = await listen(port)
    if (probe === undefined) continue
    await new Promise(resolve => probe.close(resolve))
    return port
  }
}

async function takeBlock(): Promise<void> {
  const blocks = (END - FIRST) / BLOCK
  for (let tried = 0; tried < blocks; tried += 1) {
    const first = FIRST + ((process.pid + tried) % blocks) * BLOCK
    const mark = await listen(first)
    if (mark === undefined) continue
    mark.unref()
    next = first + 1
    end = first + BLOCK
    return
  }
  throw new Error('no block of ports is free')
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise(resolve => {
    const server = createServer(socket => socket.destroy())
    server.once('error', () => resolve(undefined)) // somebody has it
    server.listen(port, HOST, () => resolve(server))
  })
}
