// Words of a person, or of an upstream, as they go into other people's terminals and into the messages of a wire.

/** Without controls, and without whatever begins a line. */
export function oneLine(words: string): string {
  return words.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}
