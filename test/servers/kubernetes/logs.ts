// What the containers have said.
import { isYes } from './objects.ts'
import { begin, type Response } from './reads.ts'

interface Line {
  readonly at: string
  readonly text: string
}

export class Logs {
  readonly #lines = new Map<string, Line[]>()
  readonly #followers = new Map<string, Set<(line: Line) => void>>()

  /** Says a line in a container, now. */
  say(namespace: string, pod: string, container: string, text: string): void {
    const key = `${namespace}/${pod}/${container}`
    const line = { at: new Date().toISOString(), text }
    const lines = this.#lines.get(key) ?? []
    lines.push(line)
    this.#lines.set(key, lines)
    for (const hear of this.#followers.get(key) ?? []) hear(line)
  }

  answer(key: string, query: URLSearchParams, response: Response): void {
    const stamp = isYes(query, 'timestamps')
    const print = (line: Line) => `${stamp ? `${line.at} ` : ''}${line.text}\n`
    const tail = query.get('tailLines')
    const lines = this.#lines.get(key) ?? []
    const shown =
      tail === null ? lines : lines.slice(lines.length - Math.min(Number(tail), lines.length))
    const limit = Number(query.get('limitBytes') ?? Number.POSITIVE_INFINITY)
    const said = Buffer.from(shown.map(print).join(''))
    begin(response, 'text/plain')
    response.write(said.subarray(0, limit))
    if (!isYes(query, 'follow')) {
      response.end()
      return
    }
    const followers = this.#followers.get(key) ?? new Set()
    this.#followers.set(key, followers)
    const hear = (line: Line) => response.write(print(line))
    followers.add(hear)
    response.on('close', () => followers.delete(hear))
  }
}
