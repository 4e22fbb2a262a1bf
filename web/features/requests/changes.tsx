// What a held write would change of what is there, a line each: the sign says which. No colour: red is denied, green lives.
import { Verbatim } from '../../ui/parts.tsx'

const SHOWN = 40

const signs: Readonly<Record<string, { word: string; look: string }>> = {
  '+': { word: 'added', look: 'text-ink font-semibold' },
  '-': { word: 'removed', look: 'text-soft line-through' },
  '~': { word: 'changed', look: 'text-ink' },
}

export function Changes({ text }: { text: string }) {
  const lines = text.split('\n')
  const [first, rest] = [lines.slice(0, SHOWN), lines.slice(SHOWN)]
  return (
    <section aria-label="what it would change" className="my-2">
      <h2 className="text-sm font-semibold m-0 mb-1">what it would change</h2>
      <Lines lines={first} />
      {rest.length > 0 && (
        <details className="my-2">
          <summary>{rest.length} more</summary>
          <Lines lines={rest} />
        </details>
      )}
    </section>
  )
}

function Lines({ lines }: { lines: readonly string[] }) {
  return (
    <ul className="m-0 p-0 list-none font-mono leading-6">
      {lines.map((line, place) => {
        const { word, look } = signs[line[0] ?? ''] ?? { word: undefined, look: 'text-ink' }
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and never move
          <li key={place} className={`${look} flex gap-2`}>
            <span aria-hidden="true">{word === undefined ? ' ' : line[0]}</span>
            <span className="min-w-0">
              {word !== undefined && <span className="sr-only">{word}: </span>}
              <Verbatim text={word === undefined ? line : line.slice(2)} />
            </span>
          </li>
        )
      })}
    </ul>
  )
}
