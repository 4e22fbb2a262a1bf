// What the principal saw: masked values as they saw them. However large it is, a page draws a part of it, and more when asked.
import { useState } from 'react'
import { Button, Mark, Verbatim } from '../../ui/parts.tsx'
import { count, plain } from '../../ui/text.ts'
import type { Answer } from './recording.ts'

const FIRST_ROWS = 20
const MORE_ROWS = 200
const FIRST_CHARACTERS = 1_200
const CELL_CHARACTERS = 300
const MORE_CHARACTERS = 50_000

export function Rows({ answer }: { answer: Answer }) {
  const [shown, setShown] = useState(FIRST_ROWS)
  const left = answer.rows.length - shown
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard too
    <section aria-label="answer" tabIndex={0} className="overflow-x-auto my-1">
      <table className="font-mono border-collapse">
        <thead>
          <tr>
            {answer.columns.map((name, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a column's name may stand twice
              <th key={index} className="text-left font-normal text-soft pr-4">
                {plain(name.slice(0, CELL_CHARACTERS))}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {answer.rows.slice(0, shown).map((row, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a row has no name
            <tr key={index}>
              {row.map((cell, at) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: a cell has no name
                <td key={at} className="pr-4 align-top">
                  <Cell value={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {left > 0 && (
        <Button className="mt-1" onClick={() => setShown(shown + MORE_ROWS)}>
          {count(Math.min(left, MORE_ROWS))} of {count(left)} more rows
        </Button>
      )}
      {answer.truncated && <p className="text-soft m-0">More came than is kept.</p>}
    </section>
  )
}

/** A mask of the gateway: `⟦m:CLASS⟧`. */
const MASK = /^⟦m:([^⟧]*)⟧$/

function Cell({ value }: { value: string | null }) {
  if (value === null) return <em className="text-soft">NULL</em>
  const masked = MASK.exec(value)?.[1]
  if (masked === undefined) return <LongText text={value} most={CELL_CHARACTERS} />
  return (
    <span title={`masked: ${plain(masked)}`} className="bg-masked/15 px-1">
      <Mark tone="masked" glyph="▒">
        {plain(masked)}
      </Mark>
    </span>
  )
}

/** Its beginning, and more when asked. */
export function LongText({ text, most = FIRST_CHARACTERS }: { text: string; most?: number }) {
  const [shown, setShown] = useState(most)
  const left = text.length - shown
  if (left <= 0) return <Verbatim block text={text} />
  return (
    <>
      <Verbatim block text={beginning(text, shown)} />
      <Button
        className="text-soft mt-1"
        onClick={() => setShown(shown + MORE_CHARACTERS)}
      >{`${count(Math.min(left, MORE_CHARACTERS))} of ${count(left)} more characters`}</Button>
    </>
  )
}

/** Never half of a character. */
function beginning(text: string, most: number): string {
  const last = text.charCodeAt(most - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most)
}
