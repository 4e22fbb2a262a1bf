// Secrets that stand in addresses: parameters by their names, and user information. What is put in their place tells two
// values apart, so that a yes for one is none for the other; the request that is judged and forwarded has them as they came.
import { createHash } from 'node:crypto'
import { decodeSegment } from './routes.ts'

const ENDS =
  /(?:^|-)(?:token|secret|password|passwd|passphrase|pwd|signature|sig|hmac|key|apikey|auth|authorization|credentials?|session|session-?id|sid|jwt|assertion|ticket|otp|saml-?response)$/
const WHOLE = /^(?:code|pin|pass)$/
/** `scheme://user:password@host`, escaped or not. */
const USER_INFORMATION = /((?:\/|%2f){2})([^/?#@&\s"'<>]+)(?:@|%40)/gi

/** Whether a parameter of this (decoded) name holds a secret. `more`: names that the operator adds, in lower case. */
export function isSecretParameter(name: string, more?: ReadonlySet<string>): boolean {
  if (more?.has(name.toLowerCase()) === true) return true
  const plain = name
    .replace(/([a-z\d])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z\d]+/g, '-')
    .replace(/^-|-$/g, '')
  return WHOLE.test(plain) || ENDS.test(plain)
}

/** A query (or a form) with hashes in the place of secrets; the same object when there are none. */
export function withoutSecretValues(query: string, more?: ReadonlySet<string>): string {
  if (query === '') return query
  let changed = false
  const pairs = query.split('&').map(pair => {
    const mark = pair.indexOf('=')
    if (mark < 0 || mark === pair.length - 1) return pair
    const written = pair.slice(0, mark)
    // A name that cannot be read is refused by whoever judges it.
    const name = decodeSegment(written.replaceAll('+', ' ')) ?? written
    const value = pair.slice(mark + 1)
    const shown = isSecretParameter(name, more) ? hashed(value) : withoutUsers(value)
    changed ||= shown !== value
    return `${written}=${shown}`
  })
  return changed ? pairs.join('&') : query
}

/** Those of a text with an address in it (`Location`, `Link`): nobody has to tell two apart. */
export function withoutSecretsOfAddress(text: string): string {
  return text
    .replace(/([?&#;])([^=&#;\s<>"]+)=([^&#\s<>",;]+)/g, (all, before, name) =>
      isSecretParameter(decodeSegment(name) ?? name) ? `${before}${name}=[secret]` : all,
    )
    .replace(USER_INFORMATION, '$1[secret]@')
}

function withoutUsers(value: string): string {
  return /@|%40/i.test(value)
    ? value.replace(USER_INFORMATION, (_, slashes, user) => `${slashes}${hashed(user)}@`)
    : value
}

/** Without a blank: the first line of a request has none but between its parts. */
function hashed(value: string): string {
  return `[SHA-256:${createHash('sha256').update(value).digest('hex')}]`
}
