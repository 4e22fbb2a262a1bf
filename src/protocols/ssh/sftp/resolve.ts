// Where a path leads at the host, before it is judged: links are followed by the host, and what it answers is looked at
// name by name, since not every server's REALPATH follows them.
import { InvalidRequest } from '#model'
import { type Host, HostStatus } from './host.ts'
import { absolute, join, lexical, namesOf, readPath, splitLast } from './paths.ts'
import type { AskedPath } from './requests.ts'
import { ANSWER, Fields, packet, REQUEST, STATUS, string } from './wire.ts'

export interface Resolved {
  /** No link, no `..`: what is judged and forwarded. */
  readonly path: string
  /** The host cannot go there: judged by its letters, and not forwarded. */
  readonly failed?: number
}

const FILE_TYPE = 0o170000
const LINK = 0o120000

export class Resolver {
  readonly #host: Pick<Host, 'ask' | 'realPath'>
  readonly #home: string

  constructor(host: Pick<Host, 'ask' | 'realPath'>, home: string) {
    this.#host = host
    this.#home = home
  }

  /** `near`: where a relative path begins, when not in the home. */
  async resolve({ path, means }: AskedPath, near = this.#home): Promise<Resolved> {
    const whole = absolute(path, near)
    const last = means === 'entry' ? splitLast(whole) : undefined
    if (last === undefined) return this.#target(whole)
    const { path: folder, failed } = await this.#target(last.folder)
    const entry = join([...folder.split('/').filter(name => name !== ''), last.name])
    return { path: entry, ...(failed === undefined ? {} : { failed }) }
  }

  async #target(path: string): Promise<Resolved> {
    const names = namesOf(path)
    if (names !== undefined) {
      const looked = await this.#look(names)
      if (looked === 'plain') return { path: join(names) }
      if (looked !== 'link') return { path: join(names), failed: looked }
    }
    let found: string
    try {
      found = readPath(await this.#host.realPath(path))
    } catch (error) {
      if (error instanceof HostStatus) return { path: lexical(path), failed: error.code }
      throw error
    }
    const real = found.startsWith('/') ? namesOf(found) : undefined
    const looked = real === undefined ? 'link' : await this.#look(real)
    if (real === undefined || looked === 'link') {
      throw new InvalidRequest(
        'statement_unsupported',
        'the host does not say where this path leads',
      )
    }
    return { path: join(real), ...(looked === 'plain' ? {} : { failed: looked }) }
  }

  /** Whether a link is among the names, asked about all at once; or the host's refusal to look. */
  async #look(names: readonly string[]): Promise<'plain' | 'link' | number> {
    const answers = await Promise.all(
      names.map((_, at) =>
        this.#host.ask(packet(REQUEST.lstat, string(join(names.slice(0, at + 1))))),
      ),
    )
    for (const answer of answers) {
      if (answer[4] !== ANSWER.attributes) {
        const { code } = new HostStatus(answer)
        // Beyond what does not exist there is no link.
        return code === STATUS.noSuchFile ? 'plain' : code
      }
      if (isLink(answer)) return 'link'
    }
    return 'plain'
  }
}

/** Unknown counts as a link: the host is then asked where it leads. */
function isLink(attributes: Buffer): boolean {
  const fields = new Fields(attributes)
  const flags = fields.uint32()
  if (flags & 0x1) fields.uint64()
  if (flags & 0x2) fields.uint64()
  return (flags & 0x4) === 0 || (fields.uint32() & FILE_TYPE) === LINK
}
