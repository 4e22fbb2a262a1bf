// What is asked of files and folders that are open: it rides on the permit of their OPEN, as long as the rules are
// those of then, within what that permit allows.
import type { Permit, Session, Waiting } from '#gateway'
import { InvalidRequest, isGatewayError } from '#model'
import type { Client } from './client.ts'
import { Handles, MOST_HANDLES, type OpenFile, Transfer } from './handles.ts'
import { type Host, statusOf } from './host.ts'
import { checkListing } from './names.ts'
import type { HandleRequest } from './requests.ts'
import { fileStatement } from './statement.ts'
import { ANSWER, Fields, malformed, packet, REQUEST, STATUS, string } from './wire.ts'

export interface OpenFilesParts {
  readonly session: Session
  readonly waiting: Waiting
  readonly host: Host
  readonly answers: Client
  /** The upstream login, part of what a statement means. */
  readonly login: string
}

export class OpenFiles {
  /** Opens that the host has not answered. */
  opening = 0
  readonly #parts: OpenFilesParts
  readonly #handles = new Handles()
  #over = false

  constructor(parts: OpenFilesParts) {
    this.#parts = parts
  }

  get full(): boolean {
    return this.#handles.size + this.opening >= MOST_HANDLES
  }

  /** The handle that the client is to have for the host's. */
  opened(
    host: Buffer,
    path: string,
    what: 'file' | 'folder',
    modes: readonly string[],
    permit: Permit,
  ): Buffer {
    return this.#handles.add({
      host,
      path,
      folder: what === 'folder',
      reads: modes.includes('read'),
      writes: modes.includes('write'),
      read: new Transfer(),
      written: new Transfer(),
      permit,
      bytes: 0,
      rows: 0,
      closing: false,
      limited: false,
    })
  }

  /** The channel is over: what is still open goes on record as far as it came. */
  end(): void {
    this.#over = true
    for (const file of this.#handles.takeAll()) this.#account(file, 'cancelled')
  }

  /**
   * What is asked of an open file. A promise when something must be waited for. Throws InvalidRequest when it is not
   * open, or not for this.
   */
  ask(request: HandleRequest): Promise<void> | undefined {
    const { verb } = request
    const file = this.#handles.get(request.handle)
    if (file === undefined || file.closing || !fits(verb, file))
      throw new InvalidRequest('statement_unsupported', 'the file is not open for this')
    if (verb === 'FSETSTAT') return this.#set(request, file)
    if (file.permit.current || verb === 'CLOSE') return this.#ride(request, file)
    return this.#again(request, file)
  }

  /** The rules changed since it was opened: judged again, by those of now. */
  async #again(request: HandleRequest, file: OpenFile): Promise<void> {
    const { session, waiting, host, answers } = this.#parts
    let permit: Permit
    try {
      permit = await session.authorize(file.permit.statement, waiting)
    } catch (error) {
      // Safe: refused; an error that is no refusal ends the channel.
      if (!isGatewayError(error) || session.signal.aborted) throw error
      if (this.#handles.remove(request.handle)) this.#account(file, 'cancelled')
      host.send(packet(REQUEST.close, string(file.host)), () => {})
      answers.deny(request.id, error)
      return
    }
    if (this.#over) return session.complete(permit, NOT_RUN)
    const { rows, bytes } = file
    session.complete(file.permit, { status: 'completed', rows, bytes })
    Object.assign(file, { permit, rows: 0, bytes: 0 })
    await this.#ride(request, file)
  }

  /** Other attributes are not what it was opened for: a statement of its own. */
  async #set(request: HandleRequest, file: OpenFile): Promise<void> {
    const { session, waiting, host, answers, login } = this.#parts
    const { id, verb, words } = request
    const statement = fileStatement({ verb, words, paths: [file.path] }, login)
    if (statement === undefined) throw malformed()
    let permit: Permit
    try {
      permit = await session.authorize(statement, waiting)
    } catch (error) {
      // Safe: as above.
      if (!isGatewayError(error) || session.signal.aborted) throw error
      answers.deny(id, error)
      return
    }
    if (this.#over) return session.complete(permit, NOT_RUN)
    const taken = host.send(request.build(file.host), answer => {
      const done = statusOf(answer) === STATUS.ok
      session.complete(permit, { ...NOT_RUN, status: done ? 'completed' : 'failed' })
      answers.pass(id, permit, answer)
    })
    if (!taken) await host.drained()
  }

  #ride(request: HandleRequest, file: OpenFile): Promise<void> | undefined {
    const { id, verb, offset, data } = request
    if (verb === 'CLOSE') file.closing = true
    if (data !== undefined) file.written.take(offset, data)
    const taken = this.#parts.host.send(request.build(file.host), answer => {
      if (verb === 'CLOSE' && this.#handles.remove(request.handle)) this.#account(file, 'completed')
      if (answer[4] === request.answer) {
        this.#content(id, file, offset, answer)
        return
      }
      const code = statusOf(answer)
      if (code === STATUS.ok && request.answer !== undefined) throw malformed()
      if (code !== STATUS.ok && data !== undefined) file.written.broken()
      this.#parts.answers.pass(id, file.permit, answer)
    })
    return taken ? undefined : this.#parts.host.drained()
  }

  /** An answer with something in it: within what the permit allows. */
  #content(id: number, file: OpenFile, offset: number, answer: Buffer): void {
    if (answer[4] === ANSWER.name) checkListing(answer)
    const fields = new Fields(answer)
    if (answer[4] === ANSWER.name) file.rows += fields.uint32()
    file.bytes += answer[4] === ANSWER.data ? fields.uint32() : answer.length
    const { bytes = Infinity, rows = Infinity } = file.permit.limit
    if (file.bytes > bytes || file.rows > rows) {
      this.#parts.answers.deny(id, this.#tooMuch(file))
      return
    }
    if (answer[4] === ANSWER.data) file.read.take(offset, new Fields(answer).string())
    this.#parts.answers.answer(id, answer)
  }

  /** On record once: a client asks for many pieces at a time. */
  #tooMuch(file: OpenFile): InvalidRequest {
    const words = 'more than a policy lets this answer have'
    const error = new InvalidRequest('limit_exceeded', words)
    if (!file.limited) this.#parts.session.refused(file.permit.statement.text, error)
    file.limited = true
    return error
  }

  /** What went through an open file goes on record. */
  #account(file: OpenFile, how: 'completed' | 'cancelled'): void {
    const { session } = this.#parts
    const { permit, path, read, written, bytes, rows } = file
    if (!file.folder) {
      const sum = read.bytes > 0 && written.bytes > 0 ? null : (read.sum() ?? written.sum())
      const row = [path, String(read.bytes), String(written.bytes), sum]
      const columns = ['file', 'bytes read', 'bytes written', 'sha256']
      session.recordAnswer(permit, { columns, rows: [row], truncated: false })
    }
    session.complete(permit, { status: how, rows, bytes })
  }
}

const NOT_RUN = { status: 'cancelled', rows: 0, bytes: 0 } as const

function fits(verb: HandleRequest['verb'], file: OpenFile): boolean {
  if (verb === 'READ') return file.reads
  if (verb === 'READDIR') return file.folder
  return verb === 'CLOSE' || verb === 'FSTAT' || file.writes
}
