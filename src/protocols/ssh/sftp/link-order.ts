// In which order a host reads the two paths of SYMLINK: OpenSSH takes what the link says before the link's own path, the draft has it the
// other way round, and the packet does not tell. Beside `guard` knows the library's insides: what the host calls itself.

const OPENSSH_ORDER = /^(?:OpenSSH|dropbear|Go\b)/i

/** False: it may make a link of the words that are judged as what a link says. */
export function readsTargetFirst(channel: object): boolean {
  const inside = channel as { readonly _client?: { readonly _remoteVer?: unknown } }
  const software = inside._client?._remoteVer
  return typeof software === 'string' && OPENSSH_ORDER.test(software)
}
