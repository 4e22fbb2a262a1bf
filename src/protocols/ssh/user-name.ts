// `ssh RESOURCE@gateway` or `ssh LOGIN+RESOURCE@gateway`: the user name says where to, never who.

export interface Destination {
  readonly resource: string
  /** The login at the host; undefined: the resource's own. */
  readonly login: string | undefined
}

/** Resource names hold no `+`, so the last one parts the two. */
export function readUserName(name: string): Destination {
  const at = name.lastIndexOf('+')
  if (at < 0) return { resource: name, login: undefined }
  return { resource: name.slice(at + 1), login: name.slice(0, at) }
}
