// A gRPC service and its client, by the library that Node programs use: bytes in, bytes out.
import { readFileSync } from 'node:fs'
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js'

const asIs = (bytes: Buffer): Buffer => bytes
const method = (name: string, streams: boolean) => ({
  path: `/shop.Orders/${name}`,
  requestStream: streams,
  responseStream: streams,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
})
const SERVICE = {
  Get: method('Get', false),
  Fail: method('Fail', false),
  Talk: method('Talk', true),
}

/** Answers with what it was sent, and with who the gateway says it is. */
export async function startGrpc(): Promise<{ readonly port: number; stop(): void }> {
  const server = new Server()
  server.addService(SERVICE, {
    Get: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => {
      const who = String(call.metadata.get('authorization')[0])
      done(null, Buffer.concat([call.request, Buffer.from(` ${who.length}`)]))
    },
    Fail: (_call: unknown, done: sendUnaryData<Buffer>) =>
      done({ code: status.NOT_FOUND, details: 'there is none' }),
    Talk: (call: ServerDuplexStream<Buffer, Buffer>) => {
      call.on('data', (bytes: Buffer) => call.write(bytes))
      call.on('end', () => call.end())
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return { port, stop: () => server.forceShutdown() }
}

export interface GrpcClient {
  /** The answer, or `CODE details`. */
  ask(name: 'Get' | 'Fail' | 'Drop', text: string): Promise<string>
  /** What comes back for each, the next sent when the last has come. */
  talk(texts: readonly string[]): Promise<readonly string[]>
  close(): void
}

export function grpcClient(
  address: string,
  ca: string,
  token: string,
  resource: string,
): GrpcClient {
  const client = new Client(address, credentials.createSsl(readFileSync(ca)))
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  metadata.set('sallyport-resource', resource)
  const deadline = () => ({ deadline: Date.now() + 10_000 })
  return {
    ask: (name, text) =>
      new Promise(resolve => {
        client.makeUnaryRequest(
          `/shop.Orders/${name}`,
          asIs,
          asIs,
          Buffer.from(text),
          metadata,
          deadline(),
          (error, answer) => resolve(error ? `${error.code} ${error.details}` : String(answer)),
        )
      }),
    talk: texts =>
      new Promise((resolve, reject) => {
        const call = client.makeBidiStreamRequest(
          '/shop.Orders/Talk',
          asIs,
          asIs,
          metadata,
          deadline(),
        )
        const heard: string[] = []
        const next = () => {
          const text = texts[heard.length]
          if (text === undefined) call.end()
          else call.write(Buffer.from(text))
        }
        call.on('data', (bytes: Buffer) => {
          heard.push(String(bytes))
          next()
        })
        call.on('error', reject)
        call.on('end', () => resolve(heard))
        next()
      }),
    close: () => client.close(),
  }
}
