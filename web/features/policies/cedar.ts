// Cedar for the eye: what is a word of the language, what is a name, what is a remark. It decides nothing; the gateway's
// own checker does. One colour has one meaning in this console, so this is weight and shade of ink alone.
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language'
import { tags } from '@lezer/highlight'

const EFFECT = /^(?:permit|forbid|when|unless)\b/
const WORD = /^(?:if|then|else|in|is|like|has|true|false)\b/
const VARIABLE = /^(?:principal|action|resource|context)\b/
const TYPE = /^[A-Za-z_]\w*(?=\s*::)/

const cedarLanguage = StreamLanguage.define<{ string: boolean }>({
  name: 'cedar',
  startState: () => ({ string: false }),
  token(stream, state) {
    if (!state.string) {
      if (stream.eatSpace()) return null
      if (stream.match('//')) {
        stream.skipToEnd()
        return 'comment'
      }
      if (stream.match(/^@[A-Za-z_]\w*/)) return 'meta'
      if (stream.match(EFFECT)) return 'keyword'
      if (stream.match(WORD)) return 'operatorKeyword'
      if (stream.match(TYPE)) return 'typeName'
      if (stream.match(VARIABLE)) return 'variableName'
      if (stream.match(/^[A-Za-z_]\w*/)) return 'propertyName'
      if (stream.match(/^\d+/)) return 'number'
      if (stream.next() !== '"') return 'punctuation'
      state.string = true
    }
    // A string may go on over lines; it ends at a quote that nothing escapes.
    while (!stream.eol()) {
      const next = stream.next()
      if (next === '\\') stream.next()
      else if (next === '"') {
        state.string = false
        break
      }
    }
    return 'string'
  },
  languageData: {
    commentTokens: { line: '//' },
    closeBrackets: { brackets: ['(', '[', '{', '"'] },
  },
})

const inks = HighlightStyle.define([
  { tag: tags.keyword, fontWeight: '700' },
  { tag: tags.operatorKeyword, fontWeight: '600' },
  { tag: tags.typeName, color: 'var(--soft)' },
  { tag: tags.meta, color: 'var(--soft)', fontWeight: '600' },
  { tag: tags.string, textDecoration: 'none' },
  { tag: tags.comment, color: 'var(--soft)', fontStyle: 'italic' },
  { tag: tags.punctuation, color: 'var(--soft)' },
])

export const cedar = [cedarLanguage, syntaxHighlighting(inks)]
