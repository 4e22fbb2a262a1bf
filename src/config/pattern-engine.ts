// The engine for patterns that people write in the configuration: linear in the text, whatever the pattern. Loaded
// when the first pattern is met, so that nobody else pays for it.
import { createRequire } from 'node:module'

type Re2 = typeof import('re2js')

let loaded: Re2 | undefined

/** Compiles patterns of RE2's syntax. */
export const patternEngine = {
  /** Throws the library's error, which says what is wrong. */
  compile(pattern: string, ignoreCase: boolean) {
    loaded ??= createRequire(import.meta.url)('re2js') as Re2
    const { MatcherInput, RE2JS } = loaded
    const compiled = RE2JS.compile(pattern, ignoreCase ? RE2JS.CASE_INSENSITIVE : 0)
    return {
      groups: compiled.groupCount(),
      scan(
        bytes: Uint8Array,
        whole: number,
        value: number,
        share: boolean,
        each: (start: number, end: number, from: number, to: number) => boolean,
      ): void {
        const matcher = compiled.matcher(MatcherInput.utf8(bytes))
        let at = 0
        while (at <= bytes.length && matcher.find(at)) {
          const end = matcher.end(whole)
          // A group that took no part stands for the whole.
          const group = matcher.start(value) < 0 ? whole : value
          if (!each(matcher.start(whole), end, matcher.start(group), matcher.end(group))) return
          let next = end
          if (share)
            do next--
            while (next > at && (bytes[next]! & 0xc0) === 0x80)
          at = Math.max(next, at + 1)
        }
      },
    }
  },
}
