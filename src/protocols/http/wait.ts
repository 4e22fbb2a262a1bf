// How long a client waits for a person.
import type { RequestHead } from '#transport/http'

/** RFC 7240 section 4.3: how long the client would wait, in ms; not at all unless it says so. */
export function waitOf({ fields }: RequestHead): number {
  const prefer = fields.get('prefer') ?? ''
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,4})"?(?:$|[,;\s])/i.exec(prefer) ?? []
  return seconds === undefined ? 0 : Number(seconds) * 1_000
}
