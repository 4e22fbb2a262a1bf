// What to look for. Each field stands in the address; what concerns a statement has to be true of one statement.
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { Key } from '../../ui/parts.tsx'
import type { SessionSearch, Words } from './search.ts'

const DECISIONS = [
  ['', 'any'],
  ['permit', 'permitted'],
  ['held', 'held'],
  ['deny', 'denied'],
] as const
const BOX = 'border border-line bg-paper text-ink px-2 py-0.5'

export function Filters({ search }: { search: SessionSearch }) {
  const navigate = useNavigate()
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const typing = event.target instanceof Element && event.target.closest('input, textarea')
      if (event.key !== '/' || typing) return
      event.preventDefault()
      first.current?.focus()
    }
    addEventListener('keydown', listen)
    return () => removeEventListener('keydown', listen)
  }, [])
  const change = (name: keyof SessionSearch, value: string | true | undefined): void => {
    const { [name]: before, ...rest } = search
    if ((before ?? '') === (value ?? '')) return
    void navigate({
      to: '/sessions',
      search: value === undefined || value === '' ? rest : { ...rest, [name]: value },
    })
  }
  const field = (name: Words, label: string, type = 'text', width = 'sm:w-32') => (
    <label className="text-soft max-sm:flex max-sm:flex-col">
      {label}{' '}
      <input
        // Another address has other words in it.
        key={search[name] ?? ''}
        ref={name === 'text' ? first : undefined}
        type={type}
        step={type === 'text' ? undefined : 1}
        defaultValue={search[name] ?? ''}
        autoComplete="off"
        spellCheck={false}
        maxLength={1_000}
        onBlur={event => change(name, event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') change(name, event.currentTarget.value)
        }}
        className={`${BOX} min-w-0 ${width}`}
      />
    </label>
  )
  const more = ['table', 'class', 'decision', 'from', 'until', 'live'] as const
  return (
    <search className="block px-4 py-3">
      <div className="flex flex-wrap gap-x-4 gap-y-2 items-baseline">
        <h1 className="text-lg font-semibold m-0">Sessions</h1>
        <div className="grid grid-cols-3 gap-2 sm:contents">
          {field('text', 'text', 'text', 'sm:w-56')}
          {field('principal', 'who')}
          {field('resource', 'resource')}
        </div>
        <span className="text-soft max-sm:hidden">
          <Key>/</Key>
        </span>
        {Object.keys(search).length > 0 && (
          <button
            type="button"
            className="underline"
            onClick={() => void navigate({ to: '/sessions', search: {} })}
          >
            Clear
          </button>
        )}
      </div>
      <details className="mt-2" open={more.some(name => search[name] !== undefined)}>
        <summary className="text-soft cursor-pointer">table, class, decision, time</summary>
        <div className="grid grid-cols-2 sm:flex flex-wrap gap-x-4 gap-y-2 mt-2 items-baseline">
          {field('table', 'table')}
          {field('class', 'masked class')}
          <label className="text-soft max-sm:flex max-sm:flex-col">
            decision{' '}
            <select
              value={search.decision ?? ''}
              onChange={event => change('decision', event.target.value)}
              className={BOX}
            >
              {DECISIONS.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          {field('from', 'lived after', 'datetime-local', 'sm:w-52')}
          {field('until', 'began before', 'datetime-local', 'sm:w-52')}
          <label className="text-soft">
            <input
              type="checkbox"
              checked={search.live === true}
              onChange={event => change('live', event.target.checked ? true : undefined)}
            />{' '}
            live only
          </label>
        </div>
      </details>
    </search>
  )
}
