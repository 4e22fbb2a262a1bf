// The few pages that need no application: signing in, confirming a program's code, saying what went wrong. Plain HTML
// without a script; every text from outside is escaped.
import { createHash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

const STYLE = `:root{color-scheme:light dark;--ink:#1a1c1f;--paper:#fff;--soft:#5c6370;--line:#d5d9e0}
@media (prefers-color-scheme:dark){:root{--ink:#e6e8eb;--paper:#15171a;--soft:#9aa1ab;--line:#33373d}}
body{margin:0;font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
main{max-width:34rem;margin:12vh auto;padding:0 1rem}
h1{font-size:1.25rem;margin:0 0 1rem}p{margin:0 0 1rem}.soft{color:var(--soft)}
code,input{font:1.1rem ui-monospace,monospace}code.large{font-size:1.6rem;letter-spacing:.1em}
input{padding:.4rem .6rem;border:1px solid var(--line);background:transparent;color:inherit;width:12rem}
button{font:inherit;padding:.45rem 1rem;border:1px solid var(--line);background:transparent;color:inherit;cursor:pointer}
button:focus-visible,input:focus-visible,a:focus-visible{outline:2px solid currentColor;outline-offset:2px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0 0 1rem}dt{color:var(--soft)}dd{margin:0}
form{display:flex;gap:.75rem;flex-wrap:wrap}`
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** No script, no remote anything, our own style alone, forms to ourselves alone. */
const POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`

/** HTML whose parts were escaped. */
export class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A template whose values are escaped, but for Html. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Html)[]): Html {
  return new Html(
    parts
      .map((part, at) => {
        const value = values[at]
        if (value === undefined) return part
        return part + (value instanceof Html ? value.text : escaped(value))
      })
      .join(''),
  )
}

/** Answers with a page. */
export function sendPage(
  reply: FastifyReply,
  status: number,
  title: string,
  body: Html,
): FastifyReply {
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title} – Sallyport</title>
<style>${new Html(STYLE)}</style></head><body><main><h1>${title}</h1>
${body}
</main></body></html>
`
  return reply
    .code(status)
    .header('content-security-policy', POLICY)
    .type('text/html; charset=utf-8')
    .send(page.text)
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Characters that steer a reader's eye (bidi, zero width) or a parser (markup) are shown, not obeyed. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, mark => ENTITIES[mark] ?? '')
    .replace(
      /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
      mark => `\\u{${mark.codePointAt(0)?.toString(16) ?? ''}}`,
    )
}
