// The one way to the API: same origin, the sign-in's cookie, problem documents as errors.
import type { ProblemView } from '#contract'

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

export async function call<Answer>(
  path: string,
  { method = 'GET', body, signal }: { method?: string; body?: unknown; signal?: AbortSignal } = {},
): Promise<Answer> {
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
  if (response.status === 401) signIn()
  const text = await response.text()
  if (!response.ok) throw new Refused(problemIn(text, response.status))
  return (text === '' ? null : JSON.parse(text)) as Answer
}

/** Leaves for the issuer, and comes back to where the person is. */
export function signIn(): void {
  const here = location.pathname + location.search
  location.assign(`/auth/sign-in?return=${encodeURIComponent(here)}`)
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
