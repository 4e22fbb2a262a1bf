import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, it } from 'vitest'
import { readCatalog } from './catalog-reader.ts'

it('gives up on a server that answers a question about its catalog without an end', async () => {
  const row = Buffer.alloc(1 + 4 + 2 + 4 + 1_000, 'x')
  row.write('D')
  row.writeUInt32BE(row.length - 1, 1)
  row.writeUInt16BE(1, 5)
  row.writeUInt32BE(1_000, 7)
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(Buffer.concat(Array.from({ length: 30 }, () => row))))
    socket.resume()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  socket.pause()
  const login = {
    socket,
    rest: new Uint8Array(0),
    parameterStatuses: new Map<string, string>(),
    pid: 1,
    cancel: async () => {},
  }
  await expect(readCatalog(login, 20_000)).rejects.toThrow('the catalog is too large')
  socket.destroy()
  server.close()
})
