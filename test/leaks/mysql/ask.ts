// Asks a shape, step by step, in text or as prepared statements, and keeps every byte of what comes.

import {
  type Answer,
  type ClientOptions,
  type MysqlClient,
  openMysql,
} from '../../servers/mysql-client.ts'
import { FLAGS } from '../../servers/mysql-packets.ts'
import type { Watch } from '../canaries.ts'
import type { Shape } from './shapes.ts'

export type Mode = 'text' | 'binary'

export interface Seen {
  readonly shape: Shape
  readonly mode: Mode
  readonly answers: readonly Answer[]
  /** What was seen of a canary; undefined: nothing. */
  readonly leak: string | undefined
  /** Each step was answered with something else than an error. */
  readonly answered: boolean
  /** Something was done at all. */
  readonly touched: boolean
  /** No answer came. */
  readonly silent: string | undefined
}

const MOST_MS = 8_000

export class Asker {
  readonly #where: ClientOptions
  readonly #eye: Watch
  readonly #files: string
  #client: MysqlClient | undefined

  constructor(where: ClientOptions, eye: Watch, files: string) {
    this.#where = where
    this.#eye = eye
    this.#files = files
  }

  async ask(shape: Shape, mode: Mode): Promise<Seen> {
    const answers: Answer[] = []
    let silent: string | undefined
    for (const step of shape.steps) {
      const client = await this.#session()
      const text = step.replaceAll('@FILES@', this.#files)
      // Not everything can be prepared: the same is asked as text then.
      const got = await inTime(mode === 'text' ? client.query(text) : client.prepared(text))
      if (got === undefined) {
        silent = `${shape.steps.join(' ;; ')} (${mode}): no answer to ${step}`
        client.destroy()
        break
      }
      answers.push(...got)
      if (mode === 'binary' && got.some(({ error }) => error?.code === 1295)) {
        answers.push(...((await inTime(client.query(text))) ?? []))
      }
    }
    await this.#reset()
    const seen = answers.map(({ bytes }) => this.#eye.sees(bytes)).find(each => each !== undefined)
    return {
      shape,
      mode,
      answers,
      leak: seen && `${shape.steps.join(' ;; ')} (${mode}) shows ${seen.what}`,
      answered: answers.every(({ error, ended }) => error === undefined && !ended),
      touched: answers.some(({ error, ended }) => error === undefined && !ended),
      silent,
    }
  }

  /** Everything that this session's client ever got is in its packets; what is left is to leave. */
  end(): void {
    this.#client?.destroy()
  }

  async #session(): Promise<MysqlClient> {
    if (this.#client?.packets.ended !== false) {
      this.#client = await openMysql({ ...this.#where, flags: FLAGS.multiStatements })
    }
    return this.#client
  }

  /** Nothing of one shape is there for the next. */
  async #reset(): Promise<void> {
    if (this.#client === undefined || this.#client.packets.ended) return
    const answers = await inTime(this.#client.ask(Buffer.from([0x1f])))
    if (answers === undefined || answers[0]?.error !== undefined) this.#client.destroy()
    this.#client.packets.received.length = 0
  }
}

async function inTime<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), MOST_MS)
  })
  // What comes after that, or not, is of no use.
  answer.catch(() => undefined)
  try {
    return await Promise.race([answer, late])
  } finally {
    clearTimeout(timer)
  }
}
