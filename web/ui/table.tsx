// A list with one line per row. Long ones draw only what is seen.
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'

export interface Column<Row> {
  readonly name: string
  /** A CSS grid width. */
  readonly width: string
  /** The same on narrow screens, where it differs. */
  readonly narrow?: string
  readonly right?: boolean
  /** On narrow screens a glyph alone: there the column's name is heard, and not seen. */
  readonly glyph?: boolean
  /** Left out on narrow screens. */
  readonly wide?: boolean
  readonly cell: (row: Row) => ReactNode
}

const ROW = 34
/** So many rows before the end more of them are asked for. */
const AHEAD = 100

/** `onOpen`: Enter or a click on a row. `j`, `k` and the arrows move. */
export function Table<Row>({
  label,
  rows,
  columns,
  idOf,
  onOpen,
  onEnd,
}: {
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  idOf: (row: Row) => string
  onOpen: (row: Row) => void
  onEnd?: () => void
}) {
  const box = useRef<HTMLDivElement>(null)
  const [chosenId, setChosenId] = useState<string>()
  // A row that was chosen stays so when others come in before it.
  const chosen = useMemo(
    () => Math.max(0, chosenId === undefined ? 0 : rows.findIndex(row => idOf(row) === chosenId)),
    [rows, idOf, chosenId],
  )
  const narrow = useNarrow()
  const shown = columns.filter(column => !(narrow && column.wide === true))
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    overscan: 12,
  })
  const items = list.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - AHEAD) onEnd?.()
  }, [last, rows.length, onEnd])
  const move = (by: number): void => {
    const next = Math.min(rows.length - 1, Math.max(0, chosen + by))
    const row = rows[next]
    if (row === undefined) return
    setChosenId(idOf(row))
    list.scrollToIndex(next)
  }
  const grid = {
    gridTemplateColumns: shown
      .map(column => (narrow ? (column.narrow ?? column.width) : column.width))
      .join(' '),
  }
  return (
    <div
      className="flex flex-col min-h-0 flex-1"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length}
      onKeyDown={event => {
        if (event.key === 'j' || event.key === 'ArrowDown') move(1)
        else if (event.key === 'k' || event.key === 'ArrowUp') move(-1)
        else if (event.key === 'Enter') {
          const row = rows[chosen]
          if (row !== undefined) onOpen(row)
        } else return
        event.preventDefault()
      }}
    >
      <div
        role="row"
        className="grid gap-3 px-4 py-1.5 border-b border-line text-soft"
        style={grid}
      >
        {shown.map(column => (
          <div
            role="columnheader"
            key={column.name}
            className={`truncate ${column.right ? 'text-right' : ''}`}
          >
            {narrow && column.glyph === true ? (
              <span className="sr-only">{column.name}</span>
            ) : (
              column.name
            )}
          </div>
        ))}
      </div>
      <div ref={box} role="rowgroup" tabIndex={0} className="overflow-auto flex-1 min-h-0">
        <div className="relative" style={{ height: list.getTotalSize() }}>
          {items.map(item => {
            const row = rows[item.index]
            if (row === undefined) return null
            return (
              <div
                role="row"
                aria-rowindex={item.index + 1}
                aria-selected={item.index === chosen}
                key={idOf(row)}
                className={`absolute inset-x-0 grid gap-3 px-4 items-center border-b border-line cursor-pointer hover:bg-raised ${
                  item.index === chosen ? 'bg-raised' : ''
                }`}
                style={{ ...grid, height: ROW, transform: `translateY(${item.start}px)` }}
                onClick={() => {
                  setChosenId(idOf(row))
                  onOpen(row)
                }}
              >
                {shown.map(column => (
                  <div
                    role="gridcell"
                    key={column.name}
                    className={`truncate ${column.right ? 'text-right tabular-nums' : ''}`}
                  >
                    {column.cell(row)}
                  </div>
                ))}
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

function useNarrow(): boolean {
  const [narrow, setNarrow] = useState(() => matchMedia('(max-width: 640px)').matches)
  useEffect(() => {
    const media = matchMedia('(max-width: 640px)')
    const listen = (): void => setNarrow(media.matches)
    media.addEventListener('change', listen)
    return () => media.removeEventListener('change', listen)
  }, [])
  return narrow
}
