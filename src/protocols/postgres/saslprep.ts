// SASLprep (RFC 4013) as PostgreSQL applies it to passwords: a text that it would prohibit is used as it is.
// Unicode's present tables stand in for those of 3.2; the two differ only for texts that mix characters
// younger than 3.2 with ones that NFKC changes.

// RFC 3454 table C.1.2 becomes a space, B.1 becomes nothing.
const spaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
// biome-ignore lint/suspicious/noMisleadingCharacterClass: these are the single code points of table B.1
const nothing = /[\u00ad\u034f\u1806\u180b-\u180d\u200c\u200d\u2060\ufe00-\ufe0f\ufeff]/gu
// Tables C.2.1 to C.9.
const prohibited =
  // biome-ignore lint/suspicious/noMisleadingCharacterClass: single code points, as the tables list them
  /[\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200e\u200f\u2028-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\u0340\u0341\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u
const rightToLeft = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}]/u
const leftToRight = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}]/u

/** The bytes that go into the derivation. */
export function saslPrepared(password: Uint8Array): Uint8Array {
  if (password.every(byte => byte < 0x80)) return password
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(password)
  } catch {
    return password // not UTF-8: PostgreSQL uses the bytes themselves
  }
  const prepared = text.replace(spaces, ' ').replace(nothing, '').normalize('NFKC')
  if (prepared === '' || prohibited.test(prepared)) return password
  // RFC 3454 section 6: right-to-left text must not be mixed, and must start and end as such.
  if (rightToLeft.test(prepared)) {
    const characters = [...prepared]
    const [first, last] = [characters[0] ?? '', characters.at(-1) ?? '']
    if (leftToRight.test(prepared) || !rightToLeft.test(first) || !rightToLeft.test(last)) {
      return password
    }
  }
  return new TextEncoder().encode(prepared)
}
