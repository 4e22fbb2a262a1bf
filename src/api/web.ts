// The console's files: read once at the start, sent from memory by their exact names; any other address that a person
// opens is the console's own to show. Without a build there is no console, and the plain pages stay.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'

const compress = promisify(brotliCompress)
const WELL = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }

/** Our own scripts and styles alone; nothing inline, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
}

interface WebFile {
  readonly type: string
  readonly bytes: Buffer
  /** From the first time that somebody asks for it: all of them take half a second, and most starts show nobody a console. */
  brotli: Promise<Buffer> | undefined
  /** Its name changes with its content. */
  readonly lasting: boolean
}

export class Web {
  readonly #files = new Map<string, WebFile>()

  /** Reads `folder`. Undefined when nothing was built there. */
  static read(folder: string): Web | undefined {
    if (!existsSync(join(folder, 'index.html'))) return undefined
    const web = new Web()
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const bytes = readFileSync(path)
      const name = `/${relative(folder, path).split(sep).join('/')}`
      web.#files.set(name, {
        type: TYPES[extname(name)] ?? 'application/octet-stream',
        bytes,
        brotli: undefined,
        lasting: name.startsWith('/assets/'),
      })
    }
    return web
  }

  /** Answers when it is a file of ours, or a page that a browser opens. Undefined otherwise. */
  answer(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    const file = this.#find(request)
    if (file === undefined) return undefined
    void reply
      .header('content-security-policy', POLICY)
      .header('cache-control', file.lasting ? 'public, max-age=31536000, immutable' : 'no-cache')
      .header('vary', 'accept-encoding')
      .type(file.type)
    if (!/\bbr\b/.test(String(request.headers['accept-encoding'] ?? '')))
      return reply.send(file.bytes)
    file.brotli ??= compress(file.bytes, WELL)
    file.brotli.then(
      brotli => reply.header('content-encoding', 'br').send(brotli),
      // Safe: as it is, it is the same file.
      () => reply.send(file.bytes),
    )
    return reply
  }

  /** True when it would answer. */
  has(request: FastifyRequest): boolean {
    return this.#find(request) !== undefined
  }

  #find(request: FastifyRequest): WebFile | undefined {
    if (request.method !== 'GET') return undefined
    const path = request.url.split('?')[0] ?? '/'
    const own = path.startsWith('/api') || path.startsWith('/auth')
    const opened = !own && request.headers.accept?.includes('text/html') === true
    return this.#files.get(path) ?? (opened ? this.#files.get('/index.html') : undefined)
  }
}
