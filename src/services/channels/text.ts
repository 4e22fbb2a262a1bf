// Text from outside in a message that people read: what steers the eye or shows nothing stands there by its number.
// What a target takes for markup is that target's file's matter.

/** Controls, format characters (bidi, zero width), separators, lone surrogates and the fillers that show nothing. */
const UNSEEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]/gu

/** Line ends and tabs stay. */
export function visible(text: string): string {
  return text.replace(UNSEEN, found => `\\u{${found.codePointAt(0)!.toString(16)}}`)
}

/** On one line, at most `most` characters; what was cut off ends in `…`. */
export function line(text: string, most = 256): string {
  const shown = visible(text).replace(/[\n\t]/g, ' ')
  return shown.length > most ? `${whole(shown, most - 1)}…` : shown
}

/** The first `most` characters, and how many there would be. Never half a character. */
export function cut(text: string, most: number): { text: string; left: number } {
  const shown = visible(text)
  if (shown.length <= most) return { text: shown, left: 0 }
  const kept = whole(shown, most)
  return { text: kept, left: shown.length - kept.length }
}

/** Programs make links of whatever looks like an address: words that nobody vouches for must not become one. */
export function unlinked(text: string): string {
  return text.replaceAll('://', '[:]//').replace(/\b(www|mailto|tel)([.:])/gi, '$1[$2]')
}

function whole(text: string, most: number): string {
  const last = text.charCodeAt(most - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most)
}
