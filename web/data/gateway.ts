// The one way to the API: same origin, the sign-in's cookie, problem documents as errors.
import type { ProblemView } from '#contract'
import { leave } from './sign-in.ts'

export class Refused extends Error {
  readonly problem: ProblemView

  constructor(problem: ProblemView) {
    super(problem.detail)
    this.problem = problem
  }
}

/** Fills `:name` of a path of the contract. */
export function at(path: string, values: Readonly<Record<string, string>>): string {
  return path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(values[name] ?? ''))
}

/** Adds a query; undefined values are left out. */
export function asking(
  path: string,
  query: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '')
  return given.length === 0
    ? path
    : `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

interface Asked {
  readonly method?: string
  readonly body?: unknown
  readonly signal?: AbortSignal
}

export async function call<Answer>(path: string, asked: Asked = {}): Promise<Answer> {
  const text = await (await ask(path, asked)).text()
  return (text === '' ? null : JSON.parse(text)) as Answer
}

/** An answer that is no JSON. */
export async function bytesAt(path: string, asked: Asked = {}): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await ask(path, asked)).arrayBuffer())
}

async function ask(path: string, { method = 'GET', body, signal }: Asked): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: body === undefined ? {} : { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    // Not sent, or no answer: what is shown stays, and the page says that it may be old.
    throw new Refused({
      type: 'urn:sallyport:error:unavailable',
      title: 'unavailable',
      status: 0,
      detail: 'The gateway does not answer.',
      code: 'unavailable',
      hint: 'Is it running, and can this machine reach it?',
    })
  }
  if (response.status === 401) leave()
  if (!response.ok) throw new Refused(problemIn(await response.text(), response.status))
  return response
}

function problemIn(text: string, status: number): ProblemView {
  try {
    return JSON.parse(text) as ProblemView
  } catch {
    // No problem document: something between the page and the gateway answered.
    return {
      type: 'about:blank',
      title: 'no answer of the gateway',
      status,
      detail: `The address answered with ${status}, not as the gateway does.`,
      code: 'unavailable',
    }
  }
}
